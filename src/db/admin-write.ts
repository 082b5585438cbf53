import { err, ok, type Result } from '../kernel/result.ts'
import type { Answer, Database, Query } from './client.ts'
import { type WriteFailure, writeFailure } from './failure.ts'

/** Why a batch of the admin API was not carried out: what the organization already has forbids it. */
export type Refusal = Extract<WriteFailure, { kind: 'unique' | 'refused' }>

/**
 * Runs the batch of one administrative action, once: people see a 503 and decide themselves about trying again. Throws
 * what is no refusal.
 */
export async function write(
  database: Database,
  queries: readonly Query[],
): Promise<Result<readonly Answer[], Refusal>> {
  try {
    return ok(await database.run(...queries))
  } catch (thrown) {
    const failure = writeFailure(thrown)
    if (failure?.kind === 'unique' || failure?.kind === 'refused') return err(failure)
    throw thrown
  }
}

/** Whether a batch was refused by the assertion of this name (`mutation` asserts `stale`). */
export const isRefused = (refusal: Refusal, name: string): boolean =>
  refusal.kind === 'refused' && refusal.name === name
