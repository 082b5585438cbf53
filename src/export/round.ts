/**
 * One round of a drain: read the log and what is due, load the resources, take quota, plan, store the intent, send, and
 * store what became of it in one batch. A round that dies is done again by whoever comes next.
 */
import { changeOf, type Draft } from './draft.ts'
import { commitRound, type RoundCommit } from '../db/round-commit.ts'
import {
  DUE_PER_ROUND,
  ENTRIES_PER_ROUND,
  type LogEntry,
  readLog,
  readTargets,
  type RoundLog,
} from '../db/round-store.ts'
import type { NewEvent } from '../db/event-log.ts'
import { expandPage, passCommand } from '../db/expansion-store.ts'
import { dropImported } from '../db/imported-store.ts'
import { giveBackTokens, laneKey } from '../db/lane-store.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { Connection } from './connection.ts'
import type { ExportPorts, Round } from './context.ts'
import { readDomainFacts } from './domain-facts.ts'
import { domainChange, recheckDomains } from './domains.ts'
import { expansionOf, leavesImport, type Watch, watchOf } from './expansion.ts'
import { exportGroups } from './group-round.ts'
import { awaitLettingGo } from './letting-go.ts'
import { collectTargets, positionsBefore, type Target, type Targets } from './targets.ts'
import {
  DONE,
  resultOf,
  type RoundResult,
  throttled,
  withoutTokens,
  WRITES_PER_ROUND,
} from './round-result.ts'
import { removalsChange } from './removals.ts'
import { readRemovals } from './threshold.ts'
import { exportUsers } from './user-round.ts'
import type { LeaseKey } from '../db/lease.ts'
import { isRejection } from '../db/rejection.ts'
import { authFailure } from '../db/abandoned.ts'
import { readDirections, readSettings } from '../plan/configuration.ts'

/** Runs one round under the lease, with tokens that were taken for it. Throws what aborts it: a lost lease, or D1. */
export async function runRound(
  ports: ExportPorts,
  key: LeaseKey,
  connection: Connection,
  reserved: number,
): Promise<RoundResult> {
  const now = ports.clock.now()
  const log = await readLog(ports.database, key, now)
  const watch = watchOf(readSettings(log.directory.settings), log.directory.expansion)
  const targets = collectTargets(log, { entries: ENTRIES_PER_ROUND, due: DUE_PER_ROUND }, watch)
  const instead = await roundWithoutTargets({ ports, key, connection, log, targets, watch })
  if (instead !== undefined) {
    if (reserved > 0) await ports.database.run(giveBackTokens(connection.lanes, reserved))
    return instead
  }
  const wanted = Math.min(WRITES_PER_ROUND, writesWanted(targets))
  const loaded = await readTargets(ports.database, key, {
    userIds: targets.users.map(({ id }) => id),
    groupIds: targets.groups.map(({ id }) => id),
    dueGroupIds: targets.groups.filter(({ due }) => due).map(({ id }) => id),
    edges: targets.groups.flatMap(({ id, members }) =>
      [...members].map((memberId) => [id, memberId] as const),
    ),
    lanes: connection.lanes,
    wanted: Math.max(0, wanted - reserved),
    now,
  })
  const tokens = reserved + loaded.grant.taken
  if (tokens === 0) return throttled({ ...withoutTokens(loaded.grant), nextWrites: wanted })
  const round = openRound({ ports, key, connection, log, targets, loaded, tokens })
  await exportUsers(round)
  await exportGroups(round)
  awaitLettingGo(round)
  const changed = await commitRound(ports.database, key, toCommit(round))
  return { ...resultOf(round, now), changesUsers: changed > 0 }
}

/** What a round does when it has nothing to carry: undefined when it has. */
async function roundWithoutTargets({
  ports,
  key,
  connection,
  log,
  targets,
  watch,
}: Omit<Opening, 'loaded' | 'tokens'> & { readonly watch: Watch }): Promise<
  RoundResult | undefined
> {
  if (log.directory.state !== 'active') return DONE
  const [first] = log.ordinary
  const ended = first === undefined ? 'no' : await endImport(ports, key, first)
  if (ended !== 'no') return { ...DONE, more: true, changesUsers: ended === 'taken' }
  const expansion = expansionOf(log.ordinary, watch)
  if (expansion !== undefined) {
    const { database, clock } = ports
    await expandPage(database, key, expansion, log.directory.expansion, clock.now())
    return { ...DONE, more: true }
  }
  if (targets.users.length > 0 || targets.groups.length > 0) return undefined
  const isAwake = await recheckDomains(ports, key, connection.transport, log.directory)
  return isAwake ? { ...DONE, more: true } : stepOver(ports, key, log, targets)
}

/** An upper bound of what the targets may take, so that a small round does not hold the quota of others. */
function writesWanted({ users, groups }: Targets): number {
  // What waits or is compared as a whole is not known yet.
  const links = groups.reduce((sum, { members, due }) => sum + members.size + (due ? 40 : 0), 0)
  return users.length * 4 + groups.length * 2 + links
}

/**
 * Takes away what was imported of an attribute whose direction left `import`, some users at a time. The log is to be read again when
 * some was `taken`, since there may be more, and when it was `passed`, followed beyond the command.
 */
async function endImport(
  { database, clock }: ExportPorts,
  key: LeaseKey,
  command: LogEntry,
): Promise<'no' | 'taken' | 'passed'> {
  const attribute = leavesImport(command)
  if (attribute === undefined) return 'no'
  if ((await dropImported(database, key, { attribute, now: clock.now() })) > 0) return 'taken'
  if (command.type === 'integrationattribute_include') return 'no'
  await passCommand(database, key, command.sequence)
  return 'passed'
}

/** Nothing to look at: a position that lags behind records alone is moved over them, when that is worth a write. */
async function stepOver(
  ports: ExportPorts,
  key: LeaseKey,
  log: RoundLog,
  targets: Targets,
): Promise<RoundResult> {
  if (log.directory.position >= targets.position) return DONE
  await commitRound(ports.database, key, { ...EMPTY_COMMIT, ...targets, now: ports.clock.now() })
  return DONE
}

interface Opening {
  readonly ports: ExportPorts
  readonly key: LeaseKey
  readonly connection: Connection
  readonly log: RoundLog
  readonly targets: Targets
  readonly loaded: Round['loaded']
  readonly tokens: number
}

function openRound({ ports, key, connection, log, targets, loaded, tokens }: Opening): Round {
  return {
    ports,
    key,
    transport: connection.transport,
    directory: log.directory,
    settings: readSettings(log.directory.settings),
    directions: readDirections(log.directions),
    lanes: connection.lanes,
    head: log.head,
    targets,
    loaded,
    drafts: new Map<string, Draft>(),
    graphIds: new Map<string, string | null>(),
    unreached: new Set<Target>(),
    cut: new Set<Target>(),
    awaits: [],
    arrived: [],
    doneWaiting: [],
    edges: [],
    endedGroups: [],
    passwordsOf: [],
    calledHolders: [],
    takenOver: [],
    overwritten: [],
    parting: [],
    jobErrors: [],
    events: [],
    removals: { before: readRemovals(log.directory.removals), granted: 0, sent: 0 },
    intent: { at: ports.clock.now(), writes: [], edges: [] },
    // Unknown: whatever is sent first renews the lease.
    renewedAt: 0,
    tokens,
    writes: 0,
    halt: null,
    blocks: new Map(),
    domains: readDomainFacts(log.directory.domains),
  }
}

const EMPTY_COMMIT: Omit<RoundCommit, 'now' | 'position' | 'urgentPosition'> = {
  bindings: [],
  edges: [],
  endedGroups: [],
  awaits: [],
  arrived: [],
  doneWaiting: [],
  moved: [],
  unbound: [],
  parting: [],
  lostGraphIds: [],
  calledHolders: [],
  takenOver: [],
  passwordsOf: [],
  domains: undefined,
  removals: null,
  lastDrain: null,
  lastError: null,
  authError: null,
  lanes: [],
  unusedTokens: 0,
  blocks: [],
  jobErrors: [],
  events: [],
}

function toCommit(round: Round): RoundCommit {
  const now = round.ports.clock.now()
  const drafts = [...round.drafts.values()].filter(({ target }) => !round.unreached.has(target))
  const bindings = drafts.flatMap((draft) => changeOf(draft) ?? [])
  const moved = drafts.filter(hasMoved)
  return {
    now,
    bindings,
    edges: round.edges,
    endedGroups: round.endedGroups,
    awaits: round.awaits,
    arrived: round.arrived,
    doneWaiting: round.doneWaiting,
    moved: [...moved, ...drafts.filter(isBack)].map(({ target }) => target.id),
    unbound: drafts.filter(hasEnded).map(({ target }) => target.id),
    parting: round.parting,
    lostGraphIds: moved.flatMap(({ before }) => before?.graphId ?? []),
    calledHolders: round.calledHolders,
    takenOver: round.takenOver,
    passwordsOf: round.passwordsOf,
    domains: domainChange(round),
    removals: removalsChange(round),
    ...positionsBefore(round.targets, [...round.cut]),
    lastDrain: { at: now, writes: round.writes },
    lastError: lastError(drafts, now),
    authError: authErrorOf(round),
    lanes: round.lanes,
    unusedTokens: round.tokens,
    blocks: blocksOf(round),
    jobErrors: round.jobErrors,
    events: [...round.events, ...authEvents(round, now)],
  }
}

function authErrorOf({ halt }: Round): string | null {
  return halt?.kind === 'auth' ? `${halt.error.message} ${halt.error.whatToDo}` : null
}

function authEvents({ halt, key }: Round, now: number): NewEvent[] {
  return halt?.kind === 'auth' ? [authFailure(key, halt.error.code, now)] : []
}

/** Whether the Graph id by which others name the resource came, changed, or went. */
const hasMoved = ({ before, row }: Draft): boolean => liveId(before) !== liveId(row)

/** Whether it is a user's that ends with this round. */
const hasEnded = ({ target, before, row }: Draft): boolean =>
  target.kind === 'user' && row.state === 'former' && before?.state !== 'former'

/** Bound again, with the account it had: its groups wait for it, as for one that has just got its Graph id. */
const isBack = ({ target, before, row }: Draft): boolean =>
  target.due && before?.state === 'owed' && row.state === 'synced' && row.graphId !== null

const liveId = (row: Draft['before']): string | null =>
  row === undefined || row.state === 'former' ? null : row.graphId

function lastError(drafts: readonly Draft[], now: number): JsonObject | null {
  const failed = drafts.findLast(
    ({ row, before }) => row.state === 'failed' && row !== before && !isRejection(row.error),
  )
  if (failed === undefined) return null
  return { at: now, resourceId: failed.target.id, ...failed.row.error }
}

const blocksOf = ({ blocks, directory: { tenantId, clientId } }: Round): RoundCommit['blocks'] =>
  [...blocks].map(([scope, until]) => ({ key: laneKey(scope, tenantId, clientId), until }))
