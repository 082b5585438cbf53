import { sql } from 'drizzle-orm'

import { jsonEquals, type JsonObject } from '../kernel/json.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import type { ScimFault } from '../scim/fault.ts'
import type { Answer, Database, Query } from './client.ts'
import { appendEvents, type NewEvent } from './event-log.ts'
import { refuseUnless, writeFailure, type WriteFailure } from './failure.ts'

/** Why a store did not write. */
export type StoreFault =
  /** The row is no longer as it was read: read it again. `mayBeDone`: the one who changed it may have been this writer. */
  | { readonly kind: 'stale'; readonly mayBeDone?: true }
  | Extract<ScimFault, { kind: 'uniqueness' | 'busy' }>

const STALE: StoreFault = { kind: 'stale' }
const BUSY: StoreFault = { kind: 'busy', retryAfterSeconds: 2 }

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

/** What a mutation makes of a row, as it is shown afterwards. */
interface Versioned {
  readonly version: number
  readonly modifiedAt: number
  readonly resource: JsonObject
}

export interface MutationPorts<T> {
  /** The row as it is stored now. */
  readonly find: () => Promise<T | undefined>
  /** The fault for a name that another resource has. */
  readonly taken: (failure: WriteFailure) => Promise<StoreFault>
}

/**
 * Runs the batch that makes `wanted` of a row, and gives it. A batch whose first answer was lost may have been carried
 * out: the repeated one then runs into what it wrote itself, which counts as done.
 */
export async function carryOut<T extends Versioned>(
  database: Database,
  queries: readonly Query[],
  wanted: T,
  ports: MutationPorts<T>,
): Promise<Result<T, StoreFault>> {
  const { failure, repeated } = await runGuarded(database, queries)
  if (failure === undefined) return ok(wanted)
  if (failure.kind === 'unavailable' || failure.kind === 'overloaded') return err(BUSY)
  if (repeated) {
    const found = await ports.find()
    if (found !== undefined && isSameWrite(found, wanted)) return ok(wanted)
  }
  const isStale = failure.kind === 'refused' && failure.name === 'stale'
  return err(isStale ? STALE : await ports.taken(failure))
}

/**
 * Runs a batch that tells by its answers what it made of the row, such as its next version. The first answer may have been
 * lost and the batch repeated in vain: that is `stale` like any other change, and what is read again tells which it was.
 */
export async function carryOutTelling(
  database: Database,
  queries: readonly Query[],
): Promise<Result<readonly Answer[], StoreFault>> {
  const { failure, repeated, answers } = await runGuarded(database, queries)
  if (failure === undefined) return ok(answers)
  if (failure.kind !== 'refused') return err(BUSY)
  return err(repeated ? { kind: 'stale', mayBeDone: true } : STALE)
}

/** Runs the batch that removes a row. */
export async function carryOutRemoval(
  database: Database,
  queries: readonly Query[],
  find: () => Promise<unknown>,
): Promise<Result<undefined, StoreFault>> {
  const { failure, repeated } = await runGuarded(database, queries)
  if (failure === undefined) return ok(undefined)
  if (failure.kind !== 'refused') return err(BUSY)
  // The first batch, whose answer was lost, may have been the one that removed it.
  return repeated && (await find()) === undefined ? ok(undefined) : err(STALE)
}

function isSameWrite(found: Versioned, wanted: Versioned): boolean {
  return (
    found.version === wanted.version &&
    found.modifiedAt === wanted.modifiedAt &&
    jsonEquals(found.resource, wanted.resource)
  )
}

interface Attempt {
  /** Empty when it failed. */
  readonly answers: readonly Answer[]
  readonly failure: WriteFailure | undefined
  /** The batch was sent again because its first answer was lost. */
  readonly repeated: boolean
}

const MAX_TRIES = 3
const PAUSE_MS = 40

/**
 * Runs a batch that can be repeated without harm: one that is guarded by a version, or inserts under a new id. Failures
 * are named; what is no failure of D1's is a bug and thrown on.
 */
async function runGuarded(database: Database, queries: readonly Query[]): Promise<Attempt> {
  for (let tries = 1; ; tries++) {
    const tried = await tryRun(database, queries)
    if (tried.failure?.kind !== 'unavailable' || tries === MAX_TRIES)
      return { ...tried, repeated: tries > 1 }
    await wait(PAUSE_MS * tries)
  }
}

async function tryRun(
  database: Database,
  queries: readonly Query[],
): Promise<Omit<Attempt, 'repeated'>> {
  try {
    return { answers: await database.run(...queries), failure: undefined }
  } catch (thrown) {
    const failure = writeFailure(thrown)
    if (failure === undefined) throw thrown
    return { answers: [], failure }
  }
}

function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds)
  })
}
