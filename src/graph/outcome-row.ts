/** The shape of the rows in `outcome-table.ts`. */
import type { Explanation } from './outcome-texts.ts'
import type { ConflictTarget, Outcome, Purpose, RetryReason } from './outcome-types.ts'

/** What a row looks at, beside the answer: see `outcome-match.ts`. */
export type Condition = 'young' | 'old' | 'sensitive' | 'several_links'

/** The outcome a row gives; what varies from answer to answer is filled in by `outcome-fill.ts`. */
export type RowOutcome =
  | { readonly kind: 'alreadyDone' }
  | { readonly kind: 'splitNeeded' }
  | { readonly kind: 'throttled' }
  | { readonly kind: 'missing' }
  | { readonly kind: 'serverError' }
  | {
      readonly kind: 'retry'
      readonly reason: RetryReason
      readonly afterSeconds?: number
      /** Not counted as an attempt: something else failed. */
      readonly free?: true
    }
  | {
      readonly kind: 'conflict'
      readonly target: ConflictTarget
      readonly afterSeconds?: number
    }
  | { readonly kind: 'notReplicated'; readonly afterSeconds: number }
  | { readonly kind: 'restart'; readonly from: Extract<Outcome, { kind: 'restart' }>['from'] }
  | { readonly kind: 'privilegedTarget'; readonly text: Explanation }
  | { readonly kind: 'masteredOnPremises'; readonly text: Explanation }
  | {
      readonly kind: 'authError'
      readonly scope: 'connection' | 'operation'
      readonly text: Explanation
    }
  | {
      readonly kind: 'permanent'
      readonly code: string
      readonly text: Explanation
      readonly attribute?: string
      readonly afterSeconds?: number
    }

export interface OutcomeRow {
  /** A sentence for tests and readers. */
  readonly name: string
  readonly status?: readonly number[]
  readonly code?: readonly string[]
  /** Either is enough. The first group of `message` is the attribute, where it has one. */
  readonly says?: {
    readonly detail?: { readonly code: string; readonly target?: string }
    readonly message?: RegExp
  }
  readonly purposes?: readonly Purpose[]
  readonly when?: Condition
  readonly outcome: RowOutcome
}
