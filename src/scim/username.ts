/**
 * What a user may be called, and which of its e-mail addresses is the primary one.
 * A refusal is read by an Entra administrator in the provisioning log, so it names the username policy,
 * the mapping to change in Entra and the console page where the policy is set.
 */
import { foldCase } from '../kernel/fold.ts'
import { isJsonArray, isJsonObject, type JsonObject } from '../kernel/json.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import type { ScimFault } from './fault.ts'

/** `strict`: no address; `local-part`: an address is cut at its `@`; `any`: opaque text. */
export type UsernamePolicy = 'strict' | 'local-part' | 'any'

export interface Username {
  /** What the directory calls the user. */
  readonly username: string
  /** Key of `userName` as it was sent: unique in the organization, and what filters on userName compare. */
  readonly key: string
  /** Key of `username`; differs from `key` under `local-part` only. Both must be free. */
  readonly usernameKey: string
}

const PLAIN = /^[A-Za-z0-9._-]+$/
const ADDRESS = /^[^\s@]+@[^\s@]+$/
const POLICY_PAGE =
  'choose another username policy on the console page Sources (/console/sources), or by PATCH /api/v1/sources/{id}; it holds within 30 seconds'

/**
 * Checks a userName under the policy of the source that writes it, with the primary address (if any).
 * Faults: invalidValue for userName outside the policy, for a missing address under `strict` and
 * `local-part`, and for one that is no address under every policy.
 */
export function checkUserName(
  userName: string,
  email: string | undefined,
  policy: UsernamePolicy,
): Result<Username, ScimFault> {
  const username = directoryUsername(userName, policy)
  if (username === undefined)
    return err({
      kind: 'invalidValue',
      attribute: 'userName',
      reason: nameRefusal(userName, policy),
    })
  if (email === undefined && policy !== 'any')
    return err({ kind: 'invalidValue', attribute: 'emails', reason: missingAddress(policy) })
  if (email !== undefined && !isAddress(email))
    return err({ kind: 'invalidValue', attribute: 'emails', reason: noAddress(email) })
  return ok({ username, key: foldCase(userName), usernameKey: foldCase(username) })
}

/** Whether a text looks like an e-mail address: one `@` with something on both sides, no blanks. */
const isAddress = (text: string): boolean => ADDRESS.test(text)

/** The address that is the directory's email: the primary one, else the one of type work, else the first. */
export function primaryEmail(resource: JsonObject): string | undefined {
  const emails = emailsOf(resource)
  const chosen =
    emails.find(({ primary }) => primary) ?? emails.find(({ type }) => type === 'work') ?? emails[0]
  return chosen?.value
}

/** The other addresses, in the order of the document, none twice and the primary one not among them. */
export function alternateEmails(resource: JsonObject): string[] {
  const seen = new Set([foldCase(primaryEmail(resource) ?? '')])
  return emailsOf(resource).flatMap(({ value }) => {
    const key = foldCase(value)
    if (seen.has(key)) return []
    seen.add(key)
    return [value]
  })
}

interface Email {
  readonly value: string
  readonly type: string | undefined
  readonly primary: boolean
}

function emailsOf(resource: JsonObject): Email[] {
  const emails = resource['emails']
  if (!isJsonArray(emails)) return []
  return emails.flatMap((element) => {
    if (!isJsonObject(element) || typeof element['value'] !== 'string') return []
    const type = element['type']
    return [
      {
        value: element['value'],
        type: typeof type === 'string' ? type.toLowerCase() : undefined,
        primary: element['primary'] === true,
      },
    ]
  })
}

function directoryUsername(userName: string, policy: UsernamePolicy): string | undefined {
  if (policy === 'any') return userName === '' ? undefined : userName
  const at = policy === 'local-part' && isAddress(userName) ? userName.indexOf('@') : -1
  const username = at < 0 ? userName : userName.slice(0, at)
  return PLAIN.test(username) ? username : undefined
}

function nameRefusal(userName: string, policy: UsernamePolicy): string {
  const rule = {
    strict: 'ASCII letters, digits, ".", "_" and "-" are accepted, an e-mail address is not',
    'local-part':
      'ASCII letters, digits, ".", "_" and "-" are accepted, alone or before the "@" of an e-mail address',
    any: 'It must not be empty',
  }[policy]
  return (
    `"${userName.slice(0, 100)}" is refused: the username policy of this source is "${policy}". ${rule}. ` +
    `In Entra, map mailNickname instead of userPrincipalName as the source of userName, or ${POLICY_PAGE}`
  )
}

const missingAddress = (policy: UsernamePolicy): string =>
  `the username policy of this source is "${policy}", under which every user needs an e-mail address. ` +
  `In Entra, map userPrincipalName instead of mail as the source of emails[type eq "work"].value, or ${POLICY_PAGE}`

const noAddress = (text: string): string =>
  `"${text.slice(0, 100)}" is not an e-mail address; something like ann@example.com is expected. ` +
  'In Entra, check the source of emails[type eq "work"].value'
