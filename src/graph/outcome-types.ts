/** What one answer of Graph can mean for the request it answers. */
import type { Json } from '../kernel/json.ts'
import type { GraphRequest } from '../plan/requests.ts'

/** What a request was for. `read` is any GET. */
export type Purpose =
  | 'create_user'
  | 'update_user'
  | 'delete_user'
  | 'restore_user'
  | 'revoke_sessions'
  | 'set_manager'
  | 'remove_manager'
  | 'create_group'
  | 'update_group'
  | 'delete_group'
  | 'add_members'
  | 'remove_member'
  | 'read'

/** What is known of a request beside its answer. */
export interface WriteContext {
  readonly purpose: Purpose
  readonly request: GraphRequest
  /** Seconds since we created the youngest object that the request names; a 404 of a young one is replica lag. */
  readonly ageSeconds?: number
}

export type ConflictTarget =
  | 'userPrincipalName'
  | 'proxyAddresses'
  | 'mail'
  | 'mailNickname'
  | 'onPremisesImmutableId'
  | 'other'

export type ThrottleScope = 'app_tenant' | 'tenant' | 'app'

export type RetryReason =
  | 'token_expired'
  | 'login_unavailable'
  | 'concurrent_change'
  | 'precondition'
  | 'locked'
  | 'earlier_failed'
  | 'out_of_resources'
  | 'not_found_unclear'
  | 'server_error'
  | 'no_answer'
  | 'envelope_refused'
  | 'not_sent'

export type UnknownReason = 'timeout' | 'network' | 'truncated' | 'missing' | 'server_error'

interface Evidence {
  /** Graph's request id (the envelope's, when the inner answer named none), for Microsoft's support. */
  readonly requestId?: string
}

/**
 * Every arm says what is certain. Only `done` and `alreadyDone` are successes; only `unknown` may have been carried out without
 * our knowing; after every other arm Graph holds what it held before.
 */
export type Outcome = Evidence &
  (
    | { readonly kind: 'done'; readonly body?: Json }
    /** Graph already holds it: the member is in, the manager absent, the object gone. */
    | { readonly kind: 'alreadyDone' }
    /** `stated` is false when Graph named no time, and the seconds are a guess that deserves backoff. */
    | {
        readonly kind: 'throttled'
        readonly retryAfterSeconds: number
        readonly stated: boolean
        readonly scope: ThrottleScope
      }
    /** Certainly not carried out, and the same request may succeed later. Only some count as an attempt of ours. */
    | {
        readonly kind: 'retry'
        readonly reason: RetryReason
        readonly afterSeconds?: number
        readonly countsAsAttempt: boolean
      }
    | { readonly kind: 'unknown'; readonly reason: UnknownReason; readonly afterSeconds?: number }
    /** A value is taken. `holderId` is the Graph id of whoever has it, when Graph tells. */
    | {
        readonly kind: 'conflict'
        readonly target: ConflictTarget
        readonly holderId?: string
        readonly holderKind?: string
        /** The clash may be replica lag: one more try after this time may succeed. */
        readonly afterSeconds?: number
      }
    /** An object that the request names is not there; `objectId` when Graph says which one. */
    | { readonly kind: 'missing'; readonly objectId?: string }
    /** An object that we created lately is not visible to the replica that answered; `objectId` when Graph says which one. */
    | {
        readonly kind: 'notReplicated'
        readonly afterSeconds: number
        readonly objectId?: string
      }
    /** One of several references in an all-or-nothing request exists already: send them one by one. */
    | { readonly kind: 'splitNeeded' }
    /** Sensitive attributes of a privileged account: `attributes` are those of the request that may be why. */
    | {
        readonly kind: 'privilegedTarget'
        readonly attributes: readonly string[]
        readonly message: string
        readonly whatToDo: string
      }
    | {
        readonly kind: 'masteredOnPremises'
        readonly message: string
        readonly whatToDo: string
      }
    /** `scope` `connection`: nothing works, pause it. `operation`: this kind of write is not permitted. */
    | {
        readonly kind: 'authError'
        readonly scope: 'connection' | 'operation'
        readonly code: string
        readonly message: string
        readonly whatToDo: string
      }
    /** A listing or delta round must begin again: at its first page, or with a new baseline. */
    | { readonly kind: 'restart'; readonly from: 'first_page' | 'baseline'; readonly url?: string }
    /** Trying the same again is in vain. `code` is ours and stable, `graphCode` Microsoft's. */
    | {
        readonly kind: 'permanent'
        readonly code: string
        readonly graphCode: string
        readonly message: string
        readonly whatToDo: string
        readonly attribute?: string
        /** Graph's own words, shortened and without secrets. */
        readonly graphMessage: string
        /** Graph gives this answer for replica lag too: one more try after this time may succeed. */
        readonly afterSeconds?: number
      }
  )
