/**
 * Accounts that may be a person's already, though they have another userPrincipalName: they have the employeeId or the e-mail address of
 * a user who would be created. They are told, and none is taken. The order in which accounts are matched is deliberate: by the Graph id
 * that is stored, by the one that the user was imported from, by the userPrincipalName, which is unique and of a domain that the tenant
 * proved to have; anybody who may edit an account can write somebody else's employeeId or address into it, and would be handed that
 * person's groups and licences. Pure.
 */
import type { Holder } from '../db/bound-accounts.ts'
import { foldCase } from '../kernel/fold.ts'
import { isJsonArray, isJsonObject, type Json } from '../kernel/json.ts'
import type { DirectoryUser } from '../plan/directory-user.ts'
import { fitText, isUsableAddress } from '../plan/fit.ts'
import type { Likeness } from '../plan/requests.ts'
import type { DirectorySettings } from '../plan/settings.ts'
import { type Account, readAccount } from './adoption.ts'
import type { BindingError } from './draft.ts'

/** What has to be selected of such an account. */
export const ALIKE_SELECT = [
  'id',
  'userPrincipalName',
  'employeeId',
  'mail',
  'otherMails',
  'userType',
  'onPremisesSyncEnabled',
] as const

export interface AlikeAccount extends Pick<Account, 'id' | 'isGuest' | 'isSynced'> {
  readonly name: string
  readonly employeeId: string | null
  readonly mail: string | null
  readonly otherMails: readonly string[]
}

type Person = Pick<DirectoryUser, 'id' | 'employeeIdentifier' | 'email' | 'externalId'>

/** employeeId takes no more characters. */
const MAX_EMPLOYEE_ID = 16
const MAX_MAIL = 256

/** By what a person's account is looked for. What an account cannot hold nobody has: of what is cut short, two may be alike. */
export function likenessOf({
  employeeIdentifier,
  email,
}: Pick<Person, 'employeeIdentifier' | 'email'>): Likeness {
  const fitted = fitText(employeeIdentifier ?? '', MAX_EMPLOYEE_ID)
  const isWhole = fitted.value !== '' && !fitted.removed && !fitted.shortened
  return {
    employeeId: isWhole ? fitted.value : null,
    mail: email !== null && isUsableAddress(email, MAX_MAIL) ? email : null,
  }
}

/** Reads an account out of Graph's list; undefined for what is none. */
export function readAlike(body: Json | undefined): AlikeAccount | undefined {
  const account = readAccount(body)
  if (account === undefined || !isJsonObject(body)) return undefined
  const { id, isGuest, isSynced } = account
  const { userPrincipalName, employeeId, mail, otherMails } = body
  return {
    id,
    isGuest,
    isSynced,
    name: textIn(userPrincipalName) ?? id,
    employeeId: textIn(employeeId),
    mail: textIn(mail),
    otherMails: (isJsonArray(otherMails) ? otherMails : []).flatMap((each) => textIn(each) ?? []),
  }
}

const textIn = (value: Json | undefined): string | null =>
  typeof value === 'string' ? value : null

export interface MatchInput {
  readonly person: Person
  /** The userPrincipalName under which the person would be created. */
  readonly name: string
  readonly accounts: readonly AlikeAccount[]
  /** Graph's list of accounts goes on. */
  readonly hasMore: boolean
  /** Who is bound to the accounts, by Graph id. */
  readonly holders: ReadonlyMap<string, Holder>
  readonly policy: DirectorySettings['conflict']
}

/** What an administrator reads of the accounts that may be the person's; undefined where there is none that nobody here has. */
export function possibleMatch(input: MatchInput): BindingError | undefined {
  const { accounts, holders, hasMore, person } = input
  const free = accounts.filter(({ id }) => {
    const { isFormer = true, resourceId } = holders.get(id) ?? {}
    return isFormer || resourceId === person.id
  })
  const [first] = free
  if (first === undefined) return undefined
  return free.length > 1 || hasMore ? ambiguous(input, free) : single(input, first)
}

function single(input: MatchInput, account: AlikeAccount): BindingError {
  const reason = whyNotAdopted(account)
  const message = `The account ${account.name} in Microsoft 365, which nobody here is bound to, may be this person’s: it has ${sameOf(input.person, account)}.`
  return {
    code: CODE,
    message:
      reason === undefined
        ? `${message} That does not prove it, so the account is not taken, and a second one is created.`
        : `${message} It ${reason.what}, so it cannot be adopted, and a second one is created.`,
    whatToDo: `${reason?.whatToDo ?? wayToAdopt(input, account)} If it is somebody else’s, nothing.`,
  }
}

/** So many are named. */
const MOST_NAMED = 3

function ambiguous(input: MatchInput, accounts: readonly AlikeAccount[]): BindingError {
  const named = accounts.slice(0, MOST_NAMED).map((account) => {
    const reason = whyNotAdopted(account)
    const but = reason === undefined ? '' : `, but ${reason.what}, so it cannot be adopted`
    return `${account.name} (has ${sameOf(input.person, account)}${but})`
  })
  const isLong = accounts.length > MOST_NAMED || input.hasMore
  const others = isLong ? '; and there are more' : ''
  return {
    code: CODE,
    message: `More than one account in Microsoft 365 may be this person’s: ${named.join('; ')}${others}. That is ambiguous, none is taken, and another one is created.`,
    whatToDo: `Find out which of them is this person’s; before the bind ${sameName(input, 'that account', 'that it has as its userPrincipalName')}; then preview again. If none is, nothing.`,
  }
}

const CODE = 'possible_match'

/** What the account and the person have in common; Graph compares letters more loosely than this does. */
function sameOf({ employeeIdentifier, email }: Person, account: AlikeAccount): string {
  const isSame = (ours: string | null, theirs: string | null): boolean =>
    ours !== null && theirs !== null && foldCase(ours) === foldCase(theirs)
  const same = [
    ...(isSame(employeeIdentifier, account.employeeId)
      ? [`employeeId (${account.employeeId})`]
      : []),
    ...(isSame(email, account.mail) ? [`mail (${account.mail})`] : []),
    ...(account.otherMails.some((mail) => isSame(email, mail)) ? [`otherMails (${email})`] : []),
  ]
  return `the same ${same.length === 0 ? 'employeeId or e-mail address' : same.join(' and ')}`
}

interface Reason {
  readonly what: string
  readonly whatToDo: string
}

/** As an account of the person's own name is held (adoption.ts). */
function whyNotAdopted({ isGuest, isSynced }: AlikeAccount): Reason | undefined {
  if (isGuest)
    return {
      what: 'is a guest',
      whatToDo:
        'If it is the same person, decide which of the two accounts it is to have: remove the guest, or do not bind the user.',
    }
  if (isSynced)
    return {
      what: 'is mastered on premises',
      whatToDo:
        'If it is the same person, do not bind the user, who is managed on premises; or take the account out of the synchronization, then preview again.',
    }
  return undefined
}

function wayToAdopt(input: MatchInput, { id, name: theirs }: AlikeAccount): string {
  const holder = input.holders.get(id)
  const isAsked = holder === undefined ? input.policy === 'hold' : !isTheirs(input.person, holder)
  const approved = isAsked ? ', once that is approved' : ''
  return `If it is the same person, before the bind ${sameName(input, `the account ${theirs}`, theirs)}; then preview again: the account is adopted${approved}.`
}

/** The account was the person's before (as `decideAdoption` says it). */
const isTheirs = (person: Person, { resourceId, externalId }: Holder): boolean =>
  resourceId === person.id || (externalId !== null && externalId === person.externalId)

/** How the two get one name, by which the account is adopted. */
const sameName = ({ name }: MatchInput, account: string, theirs: string): string =>
  `give ${account} the userPrincipalName ${name}, or the user the address ${theirs}`
