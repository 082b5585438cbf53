/**
 * Whose account is it that has the userPrincipalName of a create? Pure. A create without an answer may have made it; a
 * create that was refused met one that was there before, which is adopted or held as the directory says. Of an imported user
 * the account is known by its id, and no create was sent. By nothing else is an account matched: an employeeId or an e-mail address
 * proves nobody's identity in Microsoft 365, where neither is verified; a preview suggests such accounts (possible-match.ts).
 */
import type { Holder } from '../db/bound-accounts.ts'
import type { RejectionCode } from '../db/rejection.ts'
import { foldCase } from '../kernel/fold.ts'
import { isJsonArray, isJsonObject, type Json } from '../kernel/json.ts'
import { fromRfc3339 } from '../kernel/time.ts'
import { MAX_MEMBERSHIPS } from '../plan/requests.ts'
import type { BindingError } from './draft.ts'

/** What has to be selected of the account to decide. */
export const ADOPTION_SELECT = [
  'id',
  'createdDateTime',
  'userType',
  'onPremisesSyncEnabled',
  'accountEnabled',
] as const

export interface Account {
  readonly id: string
  readonly createdAt: number | undefined
  readonly isGuest: boolean
  readonly isSynced: boolean
  readonly isDisabled: boolean
  /** It has a role, or is in a group that may have one; `unknown`: not all was read; undefined when nobody looked, or nobody may. */
  readonly isPrivileged?: boolean | 'unknown'
}

/**
 * What is known of an account that is adopted: nothing that is to be overwritten; but that one which is to be disabled is disabled already,
 * so that nobody is taken anything away. `exported`: what of it was ours before.
 */
export function knownOfAdopted(
  account: Pick<Account, 'isDisabled'> | undefined,
  isSuspended: boolean,
  exported: readonly string[],
): { readonly snapshot: { readonly accountEnabled?: false }; readonly unknown: readonly string[] } {
  if (account?.isDisabled !== true || !isSuspended) return { snapshot: {}, unknown: exported }
  const unknown = exported.filter((name) => name !== 'accountEnabled')
  return { snapshot: { accountEnabled: false }, unknown }
}

/** Whether one of somebody's memberships makes the account privileged: `unknown` when Graph's list goes on, and none so far does. */
export function isPrivilegedBy(body: Json | undefined): boolean | 'unknown' {
  const { value, '@odata.nextLink': next } = isJsonObject(body) ? body : {}
  const isPrivileged = (isJsonArray(value) ? value : []).some(
    (item) =>
      isJsonObject(item) &&
      (item['@odata.type'] === '#microsoft.graph.directoryRole' ||
        item['isAssignableToRole'] === true),
  )
  return !isPrivileged && typeof next === 'string' ? 'unknown' : isPrivileged
}

/** Reads the account out of Graph's answer. */
export function readAccount(body: Json | undefined): Account | undefined {
  if (!isJsonObject(body) || typeof body['id'] !== 'string') return undefined
  const created = body['createdDateTime']
  return {
    id: body['id'],
    createdAt: typeof created === 'string' ? fromRfc3339(created) : undefined,
    isGuest: body['userType'] === 'Guest',
    isSynced: body['onPremisesSyncEnabled'] === true,
    isDisabled: body['accountEnabled'] === false,
  }
}

export interface AdoptionInput {
  /** Undefined: Graph knows nobody of that name. */
  readonly account: Account | undefined
  readonly name: string
  /** The name that the user wants by now; null when it wants none, or is gone. */
  readonly wantedName: string | null
  /** When the create was sent that has no answer; null when it was refused because the name was taken. */
  readonly creatingSince: number | null
  /** The binding that holds the account already. */
  readonly boundTo: Holder | undefined
  /** Our id of the user that wants it. */
  readonly userId: string
  /** The `externalId` of the user that wants it. */
  readonly externalId: string | null
  readonly policy: 'adopt' | 'hold'
  /** The user was imported from the account, which was asked for by its id: it is that one, or none. */
  readonly isImported: boolean
  /** An administrator, asked about what was held, wants the account adopted. */
  readonly isApproved: boolean
  readonly attempts: number
}

export type Adoption =
  /** It is the account that our create made. */
  | { readonly kind: 'ours'; readonly graphId: string }
  /** It was there before, and becomes ours: what it holds is overwritten by what we export. `exported`: what of it was ours before. */
  | { readonly kind: 'adopt'; readonly graphId: string; readonly exported: readonly string[] }
  | { readonly kind: 'hold'; readonly error: BindingError }
  /** It is that of another user of ours, who may be about to give the name away. */
  | { readonly kind: 'waitForHolder' }
  /** Not seen yet; Graph's replicas may lag. */
  | { readonly kind: 'lookAgain'; readonly afterMs: number }
  /** The name belongs to somebody else and is not even wanted any more: whatever was sent under it made nothing of ours. */
  | { readonly kind: 'startOver' }
  /** The create did not happen: it is sent again under the same name. */
  | { readonly kind: 'repeat' }
  /** The account that the user was imported from is not there any more. */
  | { readonly kind: 'gone' }

/** Three looks over 30 s (export.md section 4): after 2 s, 10 s and 30 s. */
const LOOK_AGAIN_MS = [8_000, 20_000]
/** How far Graph's clock may be behind ours. */
const CLOCK_SKEW_MS = 60_000
/** How often another user of ours is given the chance to free the name: some four minutes, with growing pauses. */
export const MAX_CALLS = 8

/** Decides about the account that has the name. */
export function decideAdoption(input: AdoptionInput): Adoption {
  const { account, creatingSince, boundTo, policy, name } = input
  if (input.isImported) return decideImported(input)
  const isWanted = foldCase(input.wantedName ?? '') === foldCase(name)
  if (account === undefined) return decideUnseen(input, isWanted)
  if (boundTo !== undefined) return decideBound(input, account, boundTo)
  if (creatingSince !== null && (account.createdAt ?? 0) >= creatingSince - CLOCK_SKEW_MS)
    return { kind: 'ours', graphId: account.id }
  if (!isWanted) return { kind: 'startOver' }
  const held = reasonToHold(account, input.isApproved ? 'adopt' : policy, 'change the address')
  return held === undefined
    ? { kind: 'adopt', graphId: account.id, exported: [] }
    : hold(name, held)
}

/** Graph knows nobody of that name: replicas may lag, or the create did not happen. */
function decideUnseen({ creatingSince, attempts }: AdoptionInput, isWanted: boolean): Adoption {
  // The name was refused, nothing is on its way under it, and the user has another by now.
  if (creatingSince === null && !isWanted) return { kind: 'startOver' }
  const afterMs = creatingSince === null ? undefined : LOOK_AGAIN_MS[attempts]
  return afterMs === undefined ? { kind: 'repeat' } : { kind: 'lookAgain', afterMs }
}

/** The account of a former user is taken over by the same person only, and that is who has the same externalId. */
function decideBound(input: AdoptionInput, account: Account, holder: Holder): Adoption {
  if (foldCase(input.wantedName ?? '') !== foldCase(input.name)) return { kind: 'startOver' }
  // We deleted it, and it was brought back: by somebody there, or by a restore that has no answer.
  if (holder.resourceId === input.userId)
    return { kind: 'adopt', graphId: account.id, exported: holder.exported }
  if (!holder.isFormer && input.attempts < MAX_CALLS) return { kind: 'waitForHolder' }
  if (!holder.isFormer)
    return { kind: 'hold', error: accountBoundError(input.name, holder.resourceId) }
  return decideFormer(input, account, holder)
}

function decideFormer(input: AdoptionInput, account: Account, holder: Holder): Adoption {
  const isSamePerson = holder.externalId !== null && holder.externalId === input.externalId
  if (isSamePerson || input.isApproved)
    return { kind: 'adopt', graphId: account.id, exported: holder.exported }
  return { kind: 'hold', error: formerAccountError(input.name, holder.resourceId) }
}

/** A preview tells it of somebody who is not bound yet, a failure of somebody who is. */
const NOT_BOUND = 'do not bind the user (unbind it where it is bound)'

/** Nobody gives an account away that was asked for by its id, and none is made instead. */
function decideImported(input: AdoptionInput): Adoption {
  const { account, boundTo, policy, name, isApproved, attempts } = input
  if (account === undefined) {
    const afterMs = LOOK_AGAIN_MS[attempts]
    return afterMs === undefined ? { kind: 'gone' } : { kind: 'lookAgain', afterMs }
  }
  if (boundTo !== undefined && !boundTo.isFormer)
    return hold(name, {
      code: 'account_bound',
      what: `belongs to ${boundTo.resourceId}`,
      whatToDo: `Unbind the other, then approve this; or ${NOT_BOUND}. The account is not given away before, approved or not.`,
    })
  if (boundTo !== undefined) return decideFormer(input, account, boundTo)
  const held = reasonToHold(account, isApproved ? 'adopt' : policy, NOT_BOUND)
  return held === undefined
    ? { kind: 'adopt', graphId: account.id, exported: [] }
    : hold(name, held)
}

/** Why a name is not taken from another user of ours. */
export const accountBoundError = (name: string, holderId: string): BindingError =>
  heldError(name, {
    code: 'account_bound',
    what: `belongs to ${holderId}`,
    whatToDo:
      'Give one of the two another address, then approve this. It is not given away before, approved or not.',
  })

/** Why a name is not taken over from a former user of ours. */
export const formerAccountError = (name: string, formerId: string): BindingError =>
  heldError(name, {
    code: 'account_of_former_user',
    what: `is that of a former user (${formerId}) with another externalId`,
    whatToDo:
      'Approve it when both are the same person. Else delete the former account in Microsoft 365 for good, or rename it there, or change the address.',
  })

interface Reason {
  readonly code: string
  readonly what: string
  readonly whatToDo: string
}

/** `instead`: what helps when the account is not to be adopted. */
function reasonToHold(
  account: Account,
  policy: AdoptionInput['policy'],
  instead: 'change the address' | typeof NOT_BOUND,
): Reason | undefined {
  if (account.isGuest)
    return {
      code: 'account_is_guest',
      what: 'is a guest',
      whatToDo: `Remove the guest, or ${instead}. A guest is not adopted, approved or not.`,
    }
  if (account.isSynced)
    return {
      code: 'account_is_synced',
      what: 'is mastered on premises',
      whatToDo:
        'Manage this user on premises, or take it out of the synchronization. Approving does not help: Microsoft 365 would refuse every change.',
    }
  if (account.isPrivileged === true)
    return {
      code: 'account_is_privileged',
      what: 'has an administrator role, or is in a group that may have one',
      whatToDo: `Take the role from the account, or ${instead}. Who administers Microsoft 365 is not handed to a source of users, approved or not.`,
    }
  if (account.isPrivileged === 'unknown')
    return {
      code: 'account_privileges_unknown',
      what: `is in more than ${MAX_MEMBERSHIPS} groups, too many to see whether one of them may have an administrator role`,
      whatToDo: `Take the account out of groups until it is in at most ${MAX_MEMBERSHIPS}, then approve this, and it is looked at again; or ${instead}. It is not adopted before, approved or not.`,
    }
  if (policy === 'adopt') return undefined
  return {
    code: 'account_exists',
    what: 'exists already',
    whatToDo: `Approve it to adopt the account, or ${instead}.`,
  }
}

/** What an administrator reads of an account whose adoption was rejected. */
export const adoptionRejected = (isImported: boolean, name: string | null): BindingError => ({
  code: 'adoption_rejected' satisfies RejectionCode,
  message: `An administrator rejected adopting the account ${isImported ? 'that the user was imported from' : 'that has the name in Microsoft 365'}: it was not touched.`,
  whatToDo: isImported
    ? 'Unbind the user. To have the account adopted after all, approve this binding by its id; or replay it by its id to be asked again.'
    : 'Give the user another address: it is tried again then. To have the account adopted after all, approve this binding by its id; or replay it by its id to be asked again.',
  ...(name === null ? {} : { name }),
})

/** What an administrator reads of a user whose account was deleted between its import and its bind. */
export const IMPORTED_MISSING: BindingError = {
  code: 'imported_account_missing',
  message:
    'The account that the user was imported from does not exist in Microsoft 365 any more: somebody deleted it there. No other one was created.',
  whatToDo:
    'Restore it in Microsoft 365 (Entra ID, Deleted users), then replay this. For a new account unbind the user and bind it again; or delete the user here.',
}

const hold = (name: string, reason: Reason): Adoption => ({
  kind: 'hold',
  error: heldError(name, reason),
})

const heldError = (name: string, { code, what, whatToDo }: Reason): BindingError => ({
  code,
  message: `The account ${name} in Microsoft 365 ${what}, so it was not touched.`,
  whatToDo,
})
