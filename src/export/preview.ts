/**
 * What an export would change, told before anything is sent: the drain's planner over what Graph holds now. Reads only, twenty
 * in an envelope and two envelopes at a time, so that whoever writes goes first.
 */
import type { Database } from '../db/client.ts'
import type { DirectoryRow } from '../db/lease.ts'
import {
  type PreviewKey,
  readPreview,
  readPreviewHolders,
  type StoredPreview,
} from '../db/preview-reader.ts'
import { type Envelope, MOST_PER_ENVELOPE } from '../graph/batch.ts'
import { classifyAnswer, type Outcome } from '../graph/outcome.ts'
import type { Transport } from '../graph/transport.ts'
import { sendWaves } from '../graph/waves.ts'
import { isJsonObject } from '../kernel/json.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import type { AttributeName, Direction } from '../plan/attributes.ts'
import { USER_SELECT } from '../plan/graph-user.ts'
import {
  getUserWithManager,
  type GraphRequest,
  listDomains,
  listMemberships,
} from '../plan/requests.ts'
import { type Account, ADOPTION_SELECT, isPrivilegedBy, readAccount } from './adoption.ts'
import { readDirections, readSettings } from '../plan/configuration.ts'
import { factsFrom, readDomainFacts, verifiedDomains } from './domain-facts.ts'
import {
  nameToCreate,
  type PreviewItem,
  previewItem,
  type Setting,
  type Subject,
} from './preview-item.ts'

export interface PreviewPorts {
  readonly database: Database
  readonly now: number
  readonly graphBase: string
  readonly connect: (
    directory: DirectoryRow,
  ) => Promise<Result<{ readonly transport: Transport }, string>>
}

export interface PreviewQuery extends PreviewKey {
  /** Whom a bind is about; undefined: the users that are bound. */
  readonly userIds: readonly string[] | undefined
  /** Directions as if they had been chosen just now. */
  readonly choices: ReadonlyMap<AttributeName, Direction>
  readonly after: string
  readonly limit: number
}

export interface Preview {
  /** The log's end when the users were read. */
  readonly sequence: number
  readonly items: readonly PreviewItem[]
  readonly nextAfter: string | undefined
}

export type PreviewFault =
  | { readonly kind: 'noDirectory' }
  | { readonly kind: 'unknownUser'; readonly id: string }
  /** Microsoft 365 cannot be asked with the directory's credential; a sentence for its administrator. */
  | { readonly kind: 'unreachable'; readonly detail: string }
  | { readonly kind: 'later'; readonly retryAfterSeconds: number }

/** Previews one page of users. */
export async function previewUsers(
  ports: PreviewPorts,
  query: PreviewQuery,
): Promise<Result<Preview, PreviewFault>> {
  const stored = await readPreview(ports.database, query, query)
  if (stored === undefined) return err({ kind: 'noDirectory' })
  const unknown = unknownUser(query, stored)
  if (unknown !== undefined) return err({ kind: 'unknownUser', id: unknown })
  const connection = await ports.connect(stored.directory)
  if (!connection.ok) return err({ kind: 'unreachable', detail: connection.error })
  const subjects = stored.users.slice(0, query.limit).map((user) => subjectOf(stored, user))
  const read = await readGraph(ports, query, connection.value.transport, stored, subjects)
  if (!read.ok) return read
  const items = subjects.map((subject) => previewItem(read.value, subject))
  const hasMore = stored.users.length > query.limit
  return ok({
    sequence: stored.sequence,
    items,
    nextAfter: hasMore ? subjects.at(-1)?.user.id : undefined,
  })
}

/** A user that is asked for and is not there; the page holds what comes next in the order of ids. */
function unknownUser(
  { userIds, after, limit }: PreviewQuery,
  { users }: StoredPreview,
): string | undefined {
  const asked = (userIds ?? []).filter((id) => id > after).toSorted()
  const found = new Set(users.map(({ id }) => id))
  return asked.slice(0, limit + 1).find((id) => !found.has(id))
}

function subjectOf(stored: StoredPreview, user: StoredPreview['users'][number]): Subject {
  const binding = stored.bindings.find(({ resourceId }) => resourceId === user.id)
  return {
    user,
    binding,
    importedFrom: accountToAdopt(stored, user, binding),
    managerGraphIds: stored.managerGraphIds,
    hasPassword: stored.passwordsOf.has(user.id),
  }
}

/** As the drain's binding will say, or says already; one that ended has forgotten it, unless an undo made as if it had not been. */
function accountToAdopt(
  { directory }: StoredPreview,
  { importedFrom }: Subject['user'],
  binding: Subject['binding'],
): string | null {
  const isUndone = binding?.state === 'former' && binding.unboundBy === 'undo'
  if (binding !== undefined && !isUndone)
    return binding.state === 'former' ? null : binding.adopting
  return importedFrom?.directoryId === directory.id ? importedFrom.graphId : null
}

const SELECT = [...new Set([...USER_SELECT, ...ADOPTION_SELECT])]
const DOMAINS = 'domains'

/** Reads the accounts, and what it takes to say which of them would be adopted. */
async function readGraph(
  ports: PreviewPorts,
  query: PreviewQuery,
  transport: Transport,
  stored: StoredPreview,
  subjects: readonly Subject[],
): Promise<Result<Setting, PreviewFault>> {
  const { directory, directions } = stored
  const before = readDomainFacts(directory.domains)
  const setting = {
    settings: readSettings(directory.settings),
    directions: withChoices(readDirections(directions), query.choices),
    graphBase: ports.graphBase,
  }
  const requests = new Map<string, GraphRequest>(before === null ? [[DOMAINS, listDomains()]] : [])
  for (const subject of subjects) {
    const name = subject.binding?.graphId ?? subject.importedFrom ?? nameToCreate(setting, subject)
    if (name !== null) requests.set(subject.user.id, getUserWithManager(name, SELECT))
  }
  const outcomes = await readAll(transport, requests)
  const domains = outcomes.get(DOMAINS)
  outcomes.delete(DOMAINS)
  const found = accountsIn(outcomes)
  const strangers = new Map(
    [...found].filter(
      ([id]) => !subjects.some(({ user, binding }) => user.id === id && binding?.graphId),
    ),
  )
  const memberships = await readAll(
    transport,
    new Map([...strangers].map(([id, account]) => [id, listMemberships(account.id)])),
  )
  const fault = faultIn([...outcomes.values(), ...memberships.values()])
  if (fault !== undefined) return err(fault)
  for (const [id, account] of strangers) {
    const answer = memberships.get(id)
    if (answer?.kind === 'done')
      found.set(id, { ...account, isPrivileged: isPrivilegedBy(answer.body) })
  }
  const graphIds = [...strangers.values()].map(({ id }) => id)
  const facts = domains === undefined ? before : factsFrom(domains, null, ports.now)
  return ok({
    ...setting,
    verifiedDomains: verifiedDomains(facts),
    outcomes,
    accounts: found,
    holders: await readPreviewHolders(ports.database, query, graphIds),
  })
}

/** What was exported before a direction is chosen anew no longer counts as known. */
function withChoices(
  directions: Setting['directions'],
  choices: PreviewQuery['choices'],
): Setting['directions'] {
  const changed = [...choices].filter(
    ([name, direction]) => directions.get(name)?.direction !== direction,
  )
  const chosen = changed.map(
    ([name, direction]) => [name, { direction, sequence: Number.MAX_SAFE_INTEGER }] as const,
  )
  return new Map([...directions, ...chosen])
}

async function readAll(
  transport: Transport,
  requests: ReadonlyMap<string, GraphRequest>,
): Promise<Map<string, Outcome>> {
  const items = [...requests].map(([id, request]) => ({ id, request }))
  const envelopes: Envelope[] = []
  for (let at = 0; at < items.length; at += MOST_PER_ENVELOPE)
    envelopes.push({ items: items.slice(at, at + MOST_PER_ENVELOPE) })
  const answers = await sendWaves(transport, envelopes, { inFlight: 2 })
  return new Map(
    items.flatMap(({ id, request }) => {
      const answer = answers.get(id)
      return answer === undefined
        ? []
        : [[id, classifyAnswer(answer, { purpose: 'read', request })] as const]
    }),
  )
}

function accountsIn(outcomes: ReadonlyMap<string, Outcome>): Map<string, Account> {
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
function faultIn(outcomes: readonly Outcome[]): PreviewFault | undefined {
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
