/**
 * The end of a run: the threshold is asked, every user with drift gets an event, and the link for the next run is kept. To
 * enforce is a command a user, which the drain follows: it counts the named attributes as unknown, and so sends them.
 */
import { countBound } from '../db/bound-count.ts'
import { countRemovals, driftOfUsers, driftTotals, type DriftTotals } from '../db/drift-store.ts'
import type { NewEvent } from '../db/event-log.ts'
import type { DriftRow } from '../db/reconciliation-store.ts'
import { settleLinks, type ToldLinks } from '../db/told-links.ts'
import type { Json, JsonObject } from '../kernel/json.ts'
import { directionOf } from '../plan/attributes.ts'
import { groupOf, REPORTED } from '../plan/drift.ts'
import { ACCOUNT } from '../plan/owed.ts'
import { countedSince, limitOf, readRemovals, removedLately } from '../plan/removed-lately.ts'
import { DELETED } from './compare.ts'
import type { Counts, Run as AnyRun, StepResult } from './context.ts'
import { type DeltaLink, readLink } from './progress.ts'

/** To tell needs no Graph. */
type Run = Omit<AnyRun, 'connection'>
type Mode = Run['row']['mode']

/** How many users one step tells of. */
const USERS_PER_STEP = 200

/** Carries on what was found: the next users, or the end. */
export async function finish(run: Run): Promise<StepResult> {
  const { ports, key, progress, row } = run
  const isFirst = progress.cursor === ''
  const totals = isFirst
    ? await settleLinks(ports.database, key, toldLinks(run))
    : await driftTotals(ports.database, key)
  const asks = isFirst ? await mustAsk(run, totals) : progress.asks
  const { found, cursor } = await nextUsers(run)
  if (cursor === undefined && asks) return hold(run, totals)
  const counts = countsOf(run, totals)
  if (cursor === undefined)
    return { progress, counts, state: 'done', error: null, deltaLink: nextLink(run) }
  const users = [...Map.groupBy(found, ({ userId }) => userId).values()]
  const told = users.filter((rows) => isTold(rows, asks, progress.isApproved))
  return {
    progress: { ...progress, cursor, asks },
    counts: asks ? { ...counts, corrected: 0 } : counts,
    events: told.map((rows) => driftEvent(run, rows)),
    rings: row.mode === 'enforce' || totals.deleted > 0,
  }
}

/** What an administrator approved is what was told. */
const toldLinks = ({ directions, progress, settings }: Run): ToldLinks => ({
  areTold: directionOf(directions, 'manager').direction === 'export' && !progress.isApproved,
  asks: settings.threshold !== null,
})

const BACK = 'back:'

/** Whoever came back comes first: a drain that meets the reports knows then that their manager is there. */
async function nextUsers({ ports, key, progress: { cursor: at } }: Run): Promise<{
  readonly found: readonly DriftRow[]
  /** Undefined behind the last. */
  readonly cursor: string | undefined
}> {
  const isAtBack = at === '' || at.startsWith(BACK)
  const after = isAtBack ? at.slice(BACK.length) : at
  const page = (back: boolean, behind: string) =>
    driftOfUsers(ports.database, key, { back, after: behind, limit: USERS_PER_STEP })
  const back = isAtBack ? await page(true, after) : []
  const last = back.at(-1)
  if (last !== undefined) return { found: back, cursor: `${BACK}${last.userId}` }
  const found = await page(false, isAtBack ? '' : after)
  return { found, cursor: found.at(-1)?.userId }
}

/** That an account is gone nobody has to approve: it is told before anybody is asked, and not again once they have answered. */
function isTold(rows: readonly DriftRow[], asks: boolean, isApproved: boolean): boolean {
  const isAway = rows.some(isGone)
  return asks ? isAway : !(isApproved && isAway)
}

function countsOf({ counts, row }: Run, totals: DriftTotals): Counts {
  const { exported, imported, deleted } = totals
  return {
    ...counts,
    drift: exported + deleted,
    corrected: row.mode === 'enforce' ? exported : 0,
    imported,
    deleted,
  }
}

/** Whether an administrator has to approve what the run would put right. */
async function mustAsk(run: Run, totals: DriftTotals): Promise<boolean> {
  const { row, progress } = run
  return row.mode === 'enforce' && !progress.isApproved && (await exceeds(run, totals))
}

/** As for the export: the larger of count and percent of the bound users, within an hour, whatever else has taken accounts away. */
async function exceeds(run: Run, { disables }: DriftTotals): Promise<boolean> {
  const { ports, key, settings } = run
  const { threshold } = settings
  if (threshold === null || disables === 0) return false
  const counting = await countRemovals(ports.database, key, countedSince(ports.clock.now()))
  const most = counting === 0 ? disables : Math.max(disables, usedBy(run) + counting)
  // Bindings are counted only where the count alone does not allow it.
  if (most <= threshold.count) return false
  return most > limitOf(threshold, await countBound(ports.database, key))
}

/** How many accounts were taken away within the last hour. */
const usedBy = ({ directory, ports }: Run): number =>
  removedLately(readRemovals(directory.removals), ports.clock.now())

/** Nothing is put right until somebody approves; the link is kept, so that the next run goes on from here. Who is gone has been told. */
function hold(run: Run, totals: DriftTotals): StepResult {
  const { key, ports, progress } = run
  const { disables } = totals
  const used = usedBy(run)
  const beside =
    used === 0
      ? ''
      : `, beside ${used} that ${used === 1 ? 'was' : 'were'} disabled or deleted within the last hour`
  const accounts = disables === 1 ? '1 account' : `${disables} accounts`
  const message = `Putting Microsoft 365 right would disable or delete ${accounts}${beside}, which is more than the directory's threshold allows.`
  const error: JsonObject = {
    code: 'threshold',
    message,
    whatToDo: 'Look at the drift of the run, then approve or reject it.',
    disables,
  }
  return {
    progress: { ...progress, deltaLink: null },
    state: 'held',
    counts: { ...countsOf(run, totals), corrected: 0 },
    error,
    deltaLink: nextLink(run),
    events: [
      {
        class: 'record',
        type: 'reconciliation_held',
        time: ports.clock.now(),
        target: { type: 'directory', id: key.directoryId },
        directoryId: key.directoryId,
        outcome: 'failure',
        actor: { type: 'system', id: null },
        details: { reconciliationId: key.reconciliationId, ...error },
      },
    ],
  }
}

/** What a run of somebody else left meanwhile is not replaced by an older link: there is one run at a time. */
function nextLink({ progress, directory, row }: Run): JsonObject | undefined {
  if (progress.deltaLink === null) return undefined
  const before = readLink(directory.deltaLink)
  const link: DeltaLink = {
    link: progress.deltaLink,
    groups: progress.groups.deltaLink,
    groupsAgain: progress.groups.again,
    select: progress.select,
    mode: row.mode,
    takenAt: row.startedAt,
    wholeAt: progress.isWhole ? row.startedAt : (before?.wholeAt ?? row.startedAt),
  }
  return { ...link }
}

/** Says what a drain has to send again; what an approved run disables is not asked about again. */
function driftEvent({ key, ports, row, progress }: Run, rows: readonly DriftRow[]): NewEvent {
  const id = rows[0]?.userId ?? ''
  const { directoryId, reconciliationId } = key
  // What is gone is put back into no group that was compared before it.
  const gone = rows.filter(isGone)
  const names = gone.length > 0 ? gone : rows.filter((found) => isFollowed(found, row.mode))
  const isCommand = names.length > 0
  return {
    class: isCommand ? 'command' : 'record',
    type: 'drift_found',
    time: ports.clock.now(),
    target: { type: isGroup(id) ? 'group' : 'user', id },
    directoryId,
    ...(isCommand ? { touched: touchedBy(names, row.mode, progress.isApproved) } : {}),
    actor: { type: 'system', id: null },
    changes: rows.map(changeOf),
    details: { reconciliationId, mode: row.mode },
  }
}

/** Whether a drain does something about it: what is gone has failed, whatever the mode. */
const isFollowed = ({ attribute }: DriftRow, mode: Mode): boolean =>
  attribute === DELETED || mode === 'enforce'

const isGone = ({ attribute, theirs }: DriftRow): boolean =>
  attribute === DELETED && theirs !== null

const isGroup = (id: string): boolean => id.startsWith('grp_')

/** A membership is told as the group that it is one of. */
function changeOf({ attribute, ours, theirs }: DriftRow): NonNullable<NewEvent['changes']>[number] {
  const groupId = groupOf(attribute)
  if (groupId === undefined) return { attribute, from: ours, to: theirs }
  const shown = (isThere: Json): Json => (isThere === true ? groupId : null)
  return { attribute: 'members', from: shown(ours), to: shown(theirs) }
}

const touchedBy = (
  rows: readonly DriftRow[],
  mode: Mode,
  isApproved: boolean,
): readonly string[] => [
  ...rows.map(nameOf),
  ...(mode === 'report' ? [REPORTED] : []),
  // The administrator was asked about these alone: whatever else is taken away of a user counts for the export's own threshold.
  ...(isApproved && rows.some(disables) ? ['approved'] : []),
]

/** Accounts go with their Graph ids: by the time it is read the user may be bound to another one. */
function nameOf({ attribute, graphId, theirs }: DriftRow): string {
  if (attribute === DELETED)
    return `${DELETED}:${typeof theirs === 'string' ? theirs : 'returned'}:${graphId}`
  return groupOf(attribute) === undefined ? attribute : `${attribute}:${graphId}`
}

/** What `driftTotals` counts as `disables`. */
const disables = ({ attribute, ours }: DriftRow): boolean =>
  attribute === ACCOUNT || (attribute === 'accountEnabled' && ours === false)
