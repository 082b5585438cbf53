/**
 * Whose account is it that has the userPrincipalName of a create? Pure. A create without an answer may have made it; a
 * create that was refused met one that was there before, which is adopted or held as the directory says.
 */
import { isJsonObject, type Json } from '../kernel/json.ts'
import { fromRfc3339 } from '../kernel/time.ts'
import type { BindingError } from './draft.ts'

/** What has to be selected of the account to decide. */
export const ADOPTION_SELECT = [
  'id',
  'createdDateTime',
  'userType',
  'onPremisesSyncEnabled',
] as const

export interface Account {
  readonly id: string
  readonly createdAt: number | undefined
  readonly isGuest: boolean
  readonly isSynced: boolean
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
  }
}

export interface AdoptionInput {
  /** Undefined: Graph knows nobody of that name. */
  readonly account: Account | undefined
  readonly name: string
  /** When the create was sent that has no answer; null when it was refused because the name was taken. */
  readonly creatingSince: number | null
  /** Which of our resources the account is bound to already. */
  readonly boundTo: string | undefined
  readonly policy: 'adopt' | 'hold'
  readonly attempts: number
}

export type Adoption =
  /** It is the account that our create made. */
  | { readonly kind: 'ours'; readonly graphId: string }
  /** It was there before, and becomes ours: what it holds is overwritten by what we export. */
  | { readonly kind: 'adopt'; readonly graphId: string }
  | { readonly kind: 'hold'; readonly error: BindingError }
  /** Not seen yet; Graph's replicas may lag. */
  | { readonly kind: 'lookAgain'; readonly afterMs: number }
  /** The create did not happen: it is sent again under the same name. */
  | { readonly kind: 'repeat' }

/** Three looks over 30 s (export.md section 4): after 2 s, 10 s and 30 s. */
const LOOK_AGAIN_MS = [8_000, 20_000]
/** How far Graph's clock may be behind ours. */
const CLOCK_SKEW_MS = 60_000

/** Decides about the account that has the name. */
export function decideAdoption(input: AdoptionInput): Adoption {
  const { account, creatingSince, boundTo, policy, name } = input
  if (account === undefined) {
    const afterMs = creatingSince === null ? undefined : LOOK_AGAIN_MS[input.attempts]
    return afterMs === undefined ? { kind: 'repeat' } : { kind: 'lookAgain', afterMs }
  }
  if (boundTo !== undefined)
    return hold('account_bound', `belongs to ${boundTo}`, 'Give one of the two another address.')
  if (creatingSince !== null && (account.createdAt ?? 0) >= creatingSince - CLOCK_SKEW_MS)
    return { kind: 'ours', graphId: account.id }
  if (account.isGuest)
    return hold('account_is_guest', 'is a guest', 'Remove the guest, or change the address.')
  if (account.isSynced)
    return hold(
      'account_is_synced',
      'is mastered on premises',
      'Manage this user on premises, or take it out of the synchronization.',
    )
  if (policy === 'hold')
    return hold(
      'account_exists',
      'exists already',
      'Approve it to adopt the account, or change the address.',
    )
  return { kind: 'adopt', graphId: account.id }

  function hold(code: string, what: string, whatToDo: string): Adoption {
    const message = `The account ${name} in Microsoft 365 ${what}, so it was not touched.`
    return { kind: 'hold', error: { code, message, whatToDo } }
  }
}
