/** What becomes a user here of an account in Microsoft 365, and why another cannot become one. Pure. */
import { foldCase } from '../kernel/fold.ts'
import { isJsonObject, type Json, type JsonObject } from '../kernel/json.ts'
import { assertNever } from '../kernel/result.ts'
import { withSchemas } from '../scim/document.ts'
import { USER } from '../scim/resource-types.ts'
import { checkUserName } from '../scim/username.ts'
import { domainOf } from './verified-domain.ts'

/** What is read of an account. */
export const CANDIDATE_SELECT: readonly string[] = [
  'id',
  'userPrincipalName',
  'displayName',
  'givenName',
  'surname',
  'mailNickname',
  'userType',
  'onPremisesSyncEnabled',
  'accountEnabled',
]

/** An account that may be imported. */
export interface Candidate {
  readonly graphId: string
  readonly userPrincipalName: string
  readonly displayName: string | null
  readonly firstname: string | null
  readonly lastname: string | null
  /** What the user would be called: mailNickname, else what stands before the `@`, also where only that one is a username. */
  readonly username: string
  readonly isGuest: boolean
  readonly isSynced: boolean
  /** Whoever cannot sign in there is suspended here: else an export would let it sign in again. */
  readonly isEnabled: boolean
}

/** Reads an account that Graph shows; undefined when it is none. */
export function readCandidate(account: Json | undefined): Candidate | undefined {
  if (!isJsonObject(account)) return undefined
  const graphId = textOf(account['id'])
  const userPrincipalName = textOf(account['userPrincipalName'])
  if (graphId === null || userPrincipalName === null) return undefined
  return {
    graphId,
    userPrincipalName,
    displayName: textOf(account['displayName']),
    firstname: textOf(account['givenName']),
    lastname: textOf(account['surname']),
    username: usernameOf(textOf(account['mailNickname']), userPrincipalName),
    isGuest: account['userType'] === 'Guest' || /#EXT#@/i.test(userPrincipalName),
    isSynced: account['onPremisesSyncEnabled'] === true,
    isEnabled: account['accountEnabled'] !== false,
  }
}

function usernameOf(mailNickname: string | null, userPrincipalName: string): string {
  const [localPart = ''] = userPrincipalName.split('@')
  if (mailNickname === null) return localPart
  const isUsable = (name: string) => checkUserName(name, userPrincipalName, 'strict').ok
  return !isUsable(mailNickname) && isUsable(localPart) ? localPart : mailNickname
}

const textOf = (value: Json | undefined): string | null =>
  typeof value === 'string' && value.trim() !== '' ? value.trim() : null

/** The names under which a candidate must be free here, folded. */
export const candidateKeys = ({ username, userPrincipalName }: Candidate) => ({
  username: foldCase(username),
  email: foldCase(userPrincipalName),
})

/**
 * What is here already: ids of users by folded name, by folded e-mail address, by the account they are bound to or were once; and of
 * those who have a name or an address the account in the directory that they are bound to.
 */
export interface Here {
  readonly usernames: ReadonlyMap<string, string>
  readonly emails: ReadonlyMap<string, string>
  readonly bound: ReadonlyMap<string, string>
  readonly accounts: ReadonlyMap<string, string>
  readonly former: ReadonlyMap<string, string>
}

/** Why an account cannot be imported. */
export interface Refusal {
  readonly code: string
  readonly message: string
  readonly whatToDo: string
}

/**
 * Why a candidate cannot be imported; undefined when it can. Of several reasons the first, in this order: guest, synced, domain
 * (where the verified ones are known), bound, username, taken.
 */
export function whyNotImported(
  candidate: Candidate,
  verifiedDomains: ReadonlySet<string> | undefined,
  here: Here,
): Refusal | undefined {
  const { graphId, userPrincipalName, username } = candidate
  if (candidate.isGuest) return GUEST
  if (candidate.isSynced) return SYNCED
  const domain = domainOf(userPrincipalName)
  if (verifiedDomains !== undefined && !verifiedDomains.has(domain)) return notVerified(domain)
  const boundTo = here.accounts.get(graphId)
  if (boundTo !== undefined) return alreadyBound(boundTo)
  const checked = checkUserName(username, userPrincipalName, 'strict')
  if (!checked.ok) return unusable(username)
  const keys = candidateKeys(candidate)
  const namesake = here.usernames.get(keys.username)
  if (namesake !== undefined) return nameTaken(candidate, 'username', namesake, here)
  const holder = here.emails.get(keys.email)
  return holder === undefined ? undefined : nameTaken(candidate, 'email', holder, here)
}

/**
 * What an administrator should know of an account that can be imported: that it was let go of here, for a user who was deleted or
 * unbound. It is imported by its id alone: nobody who left comes back because everybody was asked for.
 */
export function noticeOf(candidate: Candidate, here: Here): Refusal | undefined {
  const formerly = here.former.get(candidate.graphId)
  return formerly === undefined ? undefined : formerAccount(formerly)
}

/** The document of an imported user: email, first name, last name and username, where Microsoft 365 has them. */
export function candidateDocument(candidate: Candidate): JsonObject {
  const { username, userPrincipalName, firstname, lastname } = candidate
  const name = {
    ...(firstname === null ? {} : { givenName: firstname }),
    ...(lastname === null ? {} : { familyName: lastname }),
  }
  const document = {
    userName: username,
    ...(Object.keys(name).length === 0 ? {} : { name }),
    emails: [{ value: userPrincipalName, type: 'work', primary: true }],
  }
  return withSchemas(document, USER)
}

const GUEST: Refusal = {
  code: 'account_is_guest',
  message: 'The account is a guest of the tenant: its home is elsewhere.',
  whatToDo: 'Leave it out. A guest is managed where its own account is.',
}

const SYNCED: Refusal = {
  code: 'account_is_synced',
  message: 'The account is synchronized from an Active Directory on premises, which owns it.',
  whatToDo: 'Manage it on premises, or move its source of authority to the cloud; then import it.',
}

const notVerified = (domain: string): Refusal => ({
  code: 'domain_not_verified',
  message: `The domain ${domain} of its userPrincipalName is not verified in this tenant, so the account could not be exported under that name.`,
  whatToDo: `Verify ${domain} in the Microsoft 365 admin center, or give the account a name in a verified domain.`,
})

const alreadyBound = (userId: string): Refusal => ({
  code: 'already_bound',
  message: `The account is bound to the user ${userId} already.`,
  whatToDo: 'Nothing: it is managed here.',
})

const formerAccount = (userId: string): Refusal => ({
  code: 'account_of_former_user',
  message: `The account was that of the user ${userId}, until that user was deleted or unbound here. {"all":true} leaves it out.`,
  whatToDo:
    'Nothing, when that person has left. To have it as a new user, import it by its id ({"graphIds":[…]}): with "bind" it is held until somebody approves that both are the same person. A user who is still here is bound again instead.',
})

const unusable = (username: string): Refusal => ({
  code: 'no_usable_username',
  message: `Neither its mailNickname nor what stands before the @ of its userPrincipalName can be a username ("${username.slice(0, 100)}"): ASCII letters, digits, ".", "_" and "-" are accepted.`,
  whatToDo: 'Give the account another alias (mailNickname) in Microsoft 365, then import it.',
})

const RENAME = {
  username:
    'give the account another alias (mailNickname) in Microsoft 365, or the user another username here',
  email:
    'give the account another userPrincipalName in Microsoft 365, or the user another e-mail address here',
} as const

/** The refusal of a name or an address that a user here has; `userId` where it is known. */
export const nameTaken = (
  candidate: Candidate,
  what: 'username' | 'email',
  userId: string | undefined,
  here: Here,
): Refusal => {
  const { username, userPrincipalName } = candidate
  const value =
    what === 'username' ? `The username "${username}"` : `The e-mail address ${userPrincipalName}`
  const who = userId === undefined ? 'another user' : `the user ${userId}`
  const account = userId === undefined ? undefined : here.bound.get(userId)
  if (account !== undefined)
    return {
      code: `${what}_taken`,
      message: `${value} is that of ${who} here, who is bound to another account of the directory (${account}). Nothing of that user was changed.`,
      whatToDo: `A user has one account in a directory: if they are the same person, leave this one out. Else ${RENAME[what]}; then import it.`,
    }
  const bind = `bind ${userId === undefined ? 'that user' : who} to the directory`
  return {
    code: `${what}_taken`,
    message: `${value} is that of ${who} here. Nothing of that user was changed.`,
    whatToDo: `If they are the same person, ${howToAdopt(candidate, bind, what === 'email' ? 'email' : matchOf(candidate, userId, here))}. Else rename one of them.`,
  }
}

type Match = 'email' | 'username' | 'former'

/** What else is the same of a user who has the candidate's username: the address, or the account that was the user's once. */
function matchOf(candidate: Candidate, userId: string | undefined, here: Here): Match {
  if (userId === undefined) return 'username'
  if (here.former.get(candidate.graphId) === userId) return 'former'
  return here.emails.get(candidateKeys(candidate).email) === userId ? 'email' : 'username'
}

/** A bind looks for an account by the name that it is to have, and for no username. */
function howToAdopt({ userPrincipalName }: Candidate, bind: string, match: Match): string {
  switch (match) {
    case 'email':
      return `${bind}: the account is adopted by its userPrincipalName`
    case 'former':
      return `${bind}: the account, which was that user's, is taken up again`
    case 'username':
      return `make ${userPrincipalName} the e-mail address of that user here, then ${bind}: only the username is the same, and an account is adopted by its userPrincipalName`
    default:
      return assertNever(match)
  }
}
