/** One slice of an import: some accounts read, and a user made of each that can be one. */
import { readMade } from '../db/import-store.ts'
import type { Transport } from '../graph/transport.ts'
import { makeId } from '../kernel/id.ts'
import type { JsonObject } from '../kernel/json.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import {
  type Candidate,
  candidateDocument,
  type Here,
  nameTaken,
  noticeOf,
  type Refusal,
  whyNotImported,
} from '../plan/candidate.ts'
import { whoIsHere } from './candidates.ts'
import type { ImportRun } from './import-context.ts'
import type { ImportProgress } from './import-progress.ts'
import { MOST_BY_ID, readAccountPage, readAccountsById, type ReadFault } from './read-accounts.ts'

/** D1 takes a thousand statements of one invocation, and a user costs five. */
const PER_SLICE = 25

/** An account and the user that is made of it. */
interface Imported {
  readonly userId: string
  readonly candidate: Candidate
}

export interface Sliced {
  readonly met: number
  /** Users of this import whose event is still to be written. */
  readonly imported: readonly Imported[]
  readonly errors: readonly JsonObject[]
  /** Where the next slice begins; null when there is none. */
  readonly next: ImportProgress | null
}

/** Carries out the next slice. Doing it again makes nobody twice: the log tells who was made. */
export async function importSlice(
  run: ImportRun,
  transport: Transport,
): Promise<Result<Sliced, ReadFault>> {
  const read = await readSlice(run, transport)
  if (!read.ok) return read
  const { candidates, verifiedDomains, missing, next } = read.value
  const { database } = run.ports
  const { organizationId, directoryId } = run.job
  const users = await Promise.all(
    candidates.map(async (candidate) => ({ candidate, userId: await userIdOf(run, candidate) })),
  )
  const ids = users.map(({ userId }) => userId)
  // In this order: whom another consumer makes of this slice meanwhile is in the log, and no duplicate.
  const here = await whoIsHere(database, { organizationId, directoryId }, candidates)
  const made = await readMade(database, organizationId, ids)
  const imported: Imported[] = []
  const errors: JsonObject[] = missing.map((graphId) => ({ graphId, ...ABSENT }))
  for (const user of users) {
    const refusal = made.created.has(user.userId)
      ? undefined
      : await importUser(run, user, verifiedDomains, here)
    if (refusal === 'busy') return err({ kind: 'later', afterSeconds: 5, isThrottled: false })
    if (refusal === undefined) imported.push(user)
    else if (!isNothing(run, refusal)) errors.push(errorOf(user.candidate, refusal))
  }
  const untold = imported.filter(({ userId }) => !made.told.has(userId))
  return ok({ met: candidates.length + missing.length, imported: untold, errors, next })
}

/** Makes the user, or tells why not. */
async function importUser(
  { ports, job, request }: ImportRun,
  { candidate, userId }: Imported,
  verifiedDomains: ReadonlySet<string> | undefined,
  here: Here,
): Promise<Refusal | 'busy' | undefined> {
  const isAll = request.graphIds === null
  const refusal =
    whyNotImported(candidate, verifiedDomains, here) ??
    (isAll ? noticeOf(candidate, here) : undefined)
  if (refusal !== undefined) return refusal
  const { directoryId } = job
  const { graphId } = candidate
  const created = await ports.createUser(ports.database, job.organizationId, {
    id: userId,
    resource: candidateDocument(candidate),
    importedFrom: { directoryId, graphId },
    suspended: !candidate.isEnabled,
    actor: request.actor,
    origin: request.origin,
    now: ports.clock.now(),
    details: { jobId: job.id, directoryId, graphId },
  })
  if (created.kind === 'taken') return nameTaken(candidate, created.what, created.userId, here)
  return created.kind === 'busy' ? 'busy' : undefined
}

/** Whoever asked for everybody did not ask for those who are managed already. */
const isNothing = ({ request }: ImportRun, { code }: Refusal): boolean =>
  request.graphIds === null && code === 'already_bound'

const errorOf = (
  { graphId, userPrincipalName }: Candidate,
  { code, message, whatToDo }: Refusal,
): JsonObject => ({ graphId, userPrincipalName, code, message, whatToDo })

const ABSENT = {
  code: 'account_not_found',
  message: 'Microsoft 365 has no account of this id.',
  whatToDo: 'Look whether it was deleted. The candidates list those who are there.',
}

/** The same of one import and account, whoever carries the slice out. */
async function userIdOf(
  { ports, job }: ImportRun,
  { graphId }: Pick<Candidate, 'graphId'>,
): Promise<string> {
  const digest = await ports.subtle.digest(
    'SHA-256',
    new TextEncoder().encode(`${job.id}/${graphId}`),
  )
  return makeId('usr', job.createdAt, new Uint8Array(digest))
}

interface Slice {
  readonly candidates: readonly Candidate[]
  readonly verifiedDomains: ReadonlySet<string> | undefined
  /** Named accounts that are not there. */
  readonly missing: readonly string[]
  readonly next: ImportProgress | null
}

async function readSlice(
  { request, progress }: ImportRun,
  transport: Transport,
): Promise<Result<Slice, ReadFault>> {
  const after = { ...progress, attempts: 0 }
  if (request.graphIds === null) {
    const skipToken = progress.token ?? undefined
    const page = await readAccountPage(transport, {
      top: PER_SLICE,
      startsWith: undefined,
      skipToken,
    })
    if (!page.ok) return page
    const { nextToken, ...read } = page.value
    const next = nextToken === null ? null : { ...after, token: nextToken }
    return ok({ ...read, missing: [], next })
  }
  const at = progress.at + MOST_BY_ID
  const graphIds = request.graphIds.slice(progress.at, at)
  const found = await readAccountsById(transport, graphIds)
  if (!found.ok) return found
  const { candidates, verifiedDomains } = found.value
  return ok({
    candidates: [...candidates.values()],
    verifiedDomains,
    missing: graphIds.filter((id) => !candidates.has(id)),
    next: at < request.graphIds.length ? { ...after, at } : null,
  })
}
