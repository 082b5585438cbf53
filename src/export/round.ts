/**
 * One round of a drain: read the log and what is due, load the resources, take quota, plan, store the intent, send, and
 * store what became of it in one batch. A round that dies is done again by whoever comes next.
 */
import { commitRound } from '../db/round-commit.ts'
import {
  DUE_PER_ROUND,
  ENTRIES_PER_ROUND,
  type LogEntry,
  readLog,
  readTargets,
  type RoundLog,
} from '../db/round-store.ts'
import { expandPage, passCommand } from '../db/expansion-store.ts'
import { dropImported } from '../db/imported-store.ts'
import { giveBackTokens } from '../db/lane-store.ts'
import { EMPTY_COMMIT, toCommit } from './commit.ts'
import type { Connection } from './connection.ts'
import type { ExportPorts, Round, ToldMembers } from './context.ts'
import { recheckDomains } from './domains.ts'
import type { Draft } from './draft.ts'
import { expansionOf, leavesImport, type Watch, watchOf } from './expansion.ts'
import { exportGroups } from './group-round.ts'
import { awaitLettingGo } from './letting-go.ts'
import { collectTargets, type Target, type Targets } from './targets.ts'
import {
  DONE,
  resultOf,
  type RoundResult,
  throttled,
  withoutTokens,
  WRITES_PER_ROUND,
} from './round-result.ts'
import { exportUsers } from './user-round.ts'
import type { LeaseKey } from '../db/lease.ts'
import { readDirections, readSettings } from '../plan/configuration.ts'
import { readDomainFacts } from '../plan/domain-facts.ts'
import { readRemovals } from '../plan/removed-lately.ts'

/** Runs one round under the lease, with tokens that were taken for it, and what the drain was told before. Throws what aborts it: a lost lease, or D1. */
export async function runRound(
  ports: ExportPorts,
  key: LeaseKey,
  connection: Connection,
  { reserved, told }: { readonly reserved: number; readonly told: ToldMembers },
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
    reportedIds: targets.users.filter(({ mayWrite }) => !mayWrite).map(({ id }) => id),
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
  const round = openRound({ ports, key, connection, log, targets, loaded, tokens, told })
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
}: Omit<Opening, 'loaded' | 'tokens' | 'told'> & { readonly watch: Watch }): Promise<
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
  readonly told: ToldMembers
}

function openRound({ ports, key, connection, log, targets, loaded, tokens, told }: Opening): Round {
  return {
    ports,
    key,
    transport: connection.transport,
    directory: log.directory,
    tried: connection.directory,
    settings: readSettings(log.directory.settings),
    directions: readDirections(log.directions),
    lanes: connection.lanes,
    head: log.head,
    targets,
    loaded,
    drafts: new Map<string, Draft>(),
    graphIds: new Map<string, string | null>(),
    told,
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
