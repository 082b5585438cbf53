/** What previewing asks of the feature that exports. */
import type { Database } from '../db/client.ts'
import type { Result } from '../kernel/result.ts'
import type { AttributeName, Direction } from '../plan/attributes.ts'

/** One user as a preview tells of it. */
export interface PreviewedUser {
  readonly userId: string
  readonly userName: string | null
  readonly graphId: string | null
  readonly action: 'create' | 'update' | 'none' | 'conflict'
  readonly changes: readonly object[]
  /** What would be changed too, but for what Microsoft 365 refuses. */
  readonly refused: readonly object[]
  /** Values here that would give way to those of Microsoft 365. */
  readonly imports: readonly object[]
  readonly ifApproved: readonly object[]
  readonly problems: readonly object[]
}

/** What the feature that exports is asked. */
export interface PreviewAsked {
  readonly organizationId: string
  readonly directoryId: string
  readonly userIds: readonly string[] | undefined
  readonly choices: ReadonlyMap<AttributeName, Direction>
  readonly after: string
  readonly limit: number
}

export type PreviewUsers = (
  scope: { readonly database: Database; readonly now: number },
  asked: PreviewAsked,
) => Promise<
  Result<
    {
      readonly sequence: number
      readonly items: readonly PreviewedUser[]
      readonly nextAfter: string | undefined
    },
    PreviewRefusal
  >
>

export type PreviewRefusal =
  | { readonly kind: 'noDirectory' }
  | { readonly kind: 'unknownUser'; readonly id: string }
  | { readonly kind: 'unreachable'; readonly detail: string }
  | { readonly kind: 'later'; readonly retryAfterSeconds: number }
