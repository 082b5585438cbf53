/** How a preview reads Microsoft 365: twenty requests in an envelope and two envelopes at a time, so that whoever writes goes first. */
import type { Database } from '../db/client.ts'
import type { DirectoryRow } from '../db/lease.ts'
import type { PreviewKey } from '../db/preview-reader.ts'
import type { AuthFailure } from '../graph/auth-failure.ts'
import type { Outcome } from '../graph/outcome.ts'
import { readEach } from '../graph/read-each.ts'
import type { Transport } from '../graph/transport.ts'
import { isJsonObject } from '../kernel/json.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import type { GraphRequest } from '../plan/requests.ts'
import { type Account, readAccount } from './adoption.ts'
import type { Configuration } from './preview-subject.ts'

/** How Microsoft 365 is asked. */
export interface PreviewConnection {
  readonly transport: Transport
  /** The token that the transport sends. */
  readonly token: () => Promise<Result<string, AuthFailure>>
}

/** What a reading begins with. */
export interface Reading extends PreviewConnection {
  readonly database: Database
  readonly now: number
  readonly key: PreviewKey
  readonly directory: DirectoryRow
  readonly configuration: Configuration
}

export type ReadingFault =
  /** Microsoft 365 cannot be asked with the directory's credential; a sentence for its administrator. */
  | { readonly kind: 'unreachable'; readonly detail: string }
  | { readonly kind: 'later'; readonly retryAfterSeconds: number }

/** Whoever writes has more. */
const IN_FLIGHT = 2

/** Reads, and says what became of each by the keys of the requests. */
export const readOutcomes = (
  { transport }: Pick<Reading, 'transport'>,
  requests: ReadonlyMap<string, GraphRequest>,
): Promise<Map<string, Outcome>> => readEach(transport, requests, IN_FLIGHT)

/** The same where each of them has to be answered. */
export async function readAll(
  reading: Pick<Reading, 'transport'>,
  requests: ReadonlyMap<string, GraphRequest>,
): Promise<Result<Map<string, Outcome>, ReadingFault>> {
  const outcomes = await readOutcomes(reading, requests)
  const fault = faultIn(outcomes.values())
  return fault === undefined ? ok(outcomes) : err(fault)
}

/** Reads accounts, by the keys of the requests; whoever is not there is left out. */
export async function readAccounts(
  reading: Pick<Reading, 'transport'>,
  requests: ReadonlyMap<string, GraphRequest>,
): Promise<Result<ReadonlyMap<string, Account>, ReadingFault>> {
  const read = await readAll(reading, requests)
  return read.ok ? ok(accountsIn(read.value)) : read
}

/** The accounts among what was read. */
export function accountsIn(outcomes: ReadonlyMap<string, Outcome>): Map<string, Account> {
  const found = new Map<string, Account>()
  for (const [id, outcome] of outcomes) {
    const account =
      outcome.kind === 'done' && isJsonObject(outcome.body) ? readAccount(outcome.body) : undefined
    if (account !== undefined) found.set(id, account)
  }
  return found
}

const RETRY_SECONDS = 30

/** What keeps the whole page from being told: a guess would be worse than an error. */
export function faultIn(outcomes: Iterable<Outcome>): ReadingFault | undefined {
  for (const outcome of outcomes) {
    if (outcome.kind === 'authError' && outcome.scope === 'connection')
      return { kind: 'unreachable', detail: `${outcome.message} ${outcome.whatToDo}` }
    if (outcome.kind === 'throttled')
      return { kind: 'later', retryAfterSeconds: Math.ceil(outcome.retryAfterSeconds) }
    if (outcome.kind === 'retry' && outcome.reason !== 'not_found_unclear')
      return { kind: 'later', retryAfterSeconds: outcome.afterSeconds ?? RETRY_SECONDS }
  }
  return undefined
}
