import * as v from 'valibot'

/** A message of the export queue is a doorbell: it says where to look, never what to do. Losing it loses nothing. */
export const bellSchema = v.object({
  organizationId: v.string(),
  /** Absent: every directory of the organization that lags. */
  directoryId: v.optional(v.string()),
  /** It is a run of reconciliation that is to be carried on. */
  reconciliationId: v.optional(v.string()),
  /** It is an import that is to be carried on. */
  jobId: v.optional(v.string()),
})

export type Bell = v.InferOutput<typeof bellSchema>

/** A bell for one directory. */
export interface DirectoryBell {
  readonly organizationId: string
  readonly directoryId: string
}

/** Rings: now, or after some seconds. */
export type Ring = (bell: Bell, delaySeconds?: number) => Promise<void>
