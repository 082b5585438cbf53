import type { RunKey } from '../db/reconciliation-store.ts'

/** A bell of a run: it says which one to carry on. Losing it loses nothing, the sweep rings again. */
export type RunBell = RunKey

/** Rings for a run; without `reconciliationId`, for the export of the directory, or of every one of the organization. */
export type Ring = (
  bell: {
    readonly organizationId: string
    readonly directoryId?: string
    readonly reconciliationId?: string
  },
  delaySeconds?: number,
) => Promise<void>
