import { sql } from 'drizzle-orm'

import { err, ok, type Result } from '../kernel/result.ts'
import type { ScimFault } from '../scim/fault.ts'
import type { Answer, Database, Query } from './client.ts'
import { appendEvents, type NewEvent } from './event-log.ts'
import { refuseUnless, writeFailure, type WriteFailure } from './failure.ts'

/** Why a store did not write. */
export type StoreFault =
  /** The row is no longer as it was read: read it again. */
  { readonly kind: 'stale' } | Extract<ScimFault, { kind: 'uniqueness' | 'busy' }>

export const STALE: StoreFault = { kind: 'stale' }
export const BUSY: StoreFault = { kind: 'busy', retryAfterSeconds: 2 }

/**
 * The batch of one mutation: the guarded write, its event directly after, then what depends on them. When the write
 * touched no row there is no event, and the assertion after it aborts the whole batch as `refused: stale`.
 */
export function mutation(
  organizationId: string,
  write: Query,
  event: NewEvent,
  dependents: readonly Query[],
): Query[] {
  return [
    write,
    appendEvents(organizationId, [event], { onlyIfChanged: true }),
    refuseUnless(sql`changes() = 1`, 'stale'),
    ...dependents,
  ]
}

export interface Attempt {
  readonly outcome: Result<readonly Answer[], WriteFailure>
  /** The batch was sent again because its first answer was lost: it may have been carried out already. */
  readonly repeated: boolean
}

const MAX_TRIES = 3
const PAUSE_MS = 40

/**
 * Runs a batch that can be repeated without harm: one that is guarded by a version, or inserts under a new id. Failures
 * are named; what is no failure of D1's is a bug and thrown on.
 */
export async function runGuarded(
  database: Database,
  queries: readonly Query[],
  pause: (milliseconds: number) => Promise<void> = wait,
): Promise<Attempt> {
  for (let tries = 1; ; tries++) {
    const outcome = await tryRun(database, queries)
    const again = !outcome.ok && outcome.error.kind === 'unavailable' && tries < MAX_TRIES
    if (!again) return { outcome, repeated: tries > 1 }
    await pause(PAUSE_MS * tries)
  }
}

async function tryRun(
  database: Database,
  queries: readonly Query[],
): Promise<Result<readonly Answer[], WriteFailure>> {
  try {
    return ok(await database.run(...queries))
  } catch (thrown) {
    const failure = writeFailure(thrown)
    if (failure === undefined) throw thrown
    return err(failure)
  }
}

function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds)
  })
}
