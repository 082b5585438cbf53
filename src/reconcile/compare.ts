/** What Graph says of one bound user against what is stored: drift, values to import, or a reason to look again. Pure. */
import type { ComparedAccounts, ComparedBinding } from '../db/compared-accounts.ts'
import type { PlannedUser } from '../db/away-accounts.ts'
import type { RunStep } from '../db/reconciliation-store.ts'
import type { JsonObject } from '../kernel/json.ts'
import { directoryUser } from '../plan/directory-user.ts'
import { desiredUser } from '../plan/desired-user.ts'
import { type Difference, differences, isSameInGraph } from '../plan/drift.ts'
import { seenUser, type SeenUser } from '../plan/graph-user.ts'
import { type ImportChange, importChanges, type ImportedName, stateOf } from '../plan/imported.ts'
import type { Snapshot } from '../plan/snapshot.ts'
import { type OwedConfiguration, owedToAccount, type OwedValue } from './owed.ts'

/** A difference on a user that was exported within this time may be an echo of that export. */
const ECHO_MS = 5 * 60_000
/** So long after an export a user is read again by id: by then Graph's replicas follow. */
export const REPLICAS_MS = 15_000
/** A drain is writing the user: it is through within a round. */
const ROUND_MS = 5_000

/** How Graph told of a user: on a page of who changed, on a page of everybody, or asked by id. */
export type Manner = 'delta' | 'whole' | 'byId'

/** A user that Graph told of; `manager` is a Graph id, null for none, undefined when nothing is said of it. */
export interface ToldUser {
  readonly id: string
  readonly properties: JsonObject
  readonly manager: string | null | undefined
}

export interface Comparison extends OwedConfiguration {
  readonly directoryId: string
  readonly imports: readonly ImportedName[]
  readonly accounts: Pick<ComparedAccounts, 'bindings' | 'users' | 'managers' | 'inFlight'>
  readonly manner: Manner
  readonly now: number
}

export type FoundRow = RunStep['drift'][number]

export interface Compared {
  readonly drift: readonly FoundRow[]
  readonly imports: readonly ImportChange[]
  /** When the user is to be read by id; null when what was said is certain. */
  readonly recheckAt: number | null
}

const SAME: Compared = { drift: [], imports: [], recheckAt: null }

/** Whether the binding is on its way out: its account is let go of, whatever becomes of it. */
export const isEnding = ({ state }: ComparedBinding): boolean =>
  state === 'unbinding' || state === 'former'

/** Compares one user; undefined when nobody here is bound to it. */
export function compareUser(input: Comparison, told: ToldUser): Compared | undefined {
  const row = input.accounts.bindings.get(told.id)
  if (row === undefined) return undefined
  if (isEnding(row)) return SAME
  const seen = seenUser(told.properties, managerOf(input.manner, told))
  const found = row.isLeft ? [] : differencesOf(input, row, seen)
  const imports = importsOf(input, row, seen)
  const returned = row.away === null ? [] : [returnedRow(row)]
  const owed = owedToAccount(input, row, found, input.manner === 'byId' ? seen : undefined)
  const doubtful = [...found, ...imports, ...(owed.isUnread ? [UNREAD] : [])]
  if (doubtful.length + owed.values.length === 0) return { ...SAME, drift: returned }
  const recheckAt = recheckTime(input, row, doubtful)
  if (recheckAt !== null) return { ...SAME, recheckAt }
  const sent = new Set(owed.values.map(({ attribute }) => attribute))
  const others = found.filter(({ attribute }) => !sent.has(attribute))
  const drift = [...others, ...owed.values].map((difference) => driftRow(row, difference))
  return { drift: [...returned, ...drift], imports, recheckAt: null }
}

/** What is owed to an account that came back is told once that has been read whole. */
const UNREAD = { isTold: false } as const

/** Asked by id, an account without manager is told by leaving the manager out. */
const managerOf = (manner: Manner, { manager }: ToldUser): string | null | undefined =>
  manner === 'byId' ? (manager ?? null) : manager

/**
 * What is mastered on premises is not ours to put right, nor what an undoing is about to give back; and what somebody made of a value that
 * was refused here, as it is to be, is right.
 */
function differencesOf(
  { directions, settings, manner }: Comparison,
  row: ComparedBinding,
  seen: SeenUser,
): readonly Difference[] {
  if (errorCode(row) === 'mastered_on_premises') return []
  const wanted = row.user && wantedOf(row.user, { directions, settings })
  const found = differences(row, directions, seen).filter(({ attribute, theirs }) => {
    if (row.restoring?.[attribute] !== undefined) return false
    const value = wanted?.[attribute]
    return value === undefined || !isSameInGraph(attribute, value, theirs)
  })
  // A page of changes leaves out what did not change.
  return manner === 'delta' ? found.filter(({ isTold }) => isTold) : found
}

/** What the account is to hold by now, but for its manager. */
function wantedOf(
  row: PlannedUser,
  configuration: Pick<OwedConfiguration, 'directions' | 'settings'>,
): Snapshot {
  const user = directoryUser(row.resource, stateOf(row))
  return desiredUser({ ...configuration, user, managerGraphId: undefined }).values
}

function importsOf(
  { accounts, directoryId, imports: names, manner }: Comparison,
  row: ComparedBinding,
  seen: SeenUser,
): readonly ImportChange[] {
  const found = accounts.users.get(row.resourceId)
  if (names.length === 0 || found === undefined) return []
  const { imported: stored, resource } = found
  const state = { id: row.resourceId, suspended: false, passwordExpired: false }
  const user = directoryUser(resource, state)
  const userOf = (graphId: string) => accounts.managers.get(graphId)
  const changes = importChanges({ stored, user, directoryId, names, seen, userOf })
  return manner === 'delta' ? changes.filter(({ isTold }) => isTold) : changes
}

/**
 * When what was said is not certain: an echo of our own export, a write that is under way, a value that a page of everybody
 * left out. Whoever was asked by id is believed once the replicas had time to follow the last export.
 */
function recheckTime(
  { accounts, manner, now }: Comparison,
  row: ComparedBinding,
  found: readonly { readonly isTold: boolean }[],
): number | null {
  if (accounts.inFlight.has(row.resourceId)) return now + ROUND_MS
  const exportedAt = row.exportedAt ?? 0
  const isFresh = now - exportedAt < (manner === 'byId' ? REPLICAS_MS : ECHO_MS)
  if (isFresh) return Math.max(now, exportedAt + REPLICAS_MS)
  return manner !== 'byId' && found.some(({ isTold }) => !isTold) ? now : null
}

const errorCode = ({ state, error }: ComparedBinding): unknown =>
  state === 'failed' ? error?.['code'] : undefined

function driftRow(
  row: ComparedBinding,
  { attribute, ours, theirs }: Difference | OwedValue,
): FoundRow {
  return { ...rowOf(row), attribute, ours, theirs }
}

const rowOf = ({ resourceId, graphId }: ComparedBinding) =>
  ({ userId: resourceId, graphId: graphId ?? '', direction: 'export' }) as const

/** What a drift row calls an account that was deleted in Microsoft 365. */
export const DELETED = 'deleted'

/** It was found deleted before, and is there again. */
const returnedRow = (row: ComparedBinding): FoundRow => ({
  ...rowOf(row),
  attribute: DELETED,
  ours: DELETED,
  theirs: null,
})

/** Where a deleted account is: in the recycle bin for 30 days, or gone for good. */
export type Whereabouts = 'recycle_bin' | 'gone'

/**
 * What to make of an account that Graph does not know by its id: one that was exported moments ago may be unknown to a replica
 * alone.
 */
export function compareMissing(
  { accounts, now }: Pick<Comparison, 'accounts' | 'now'>,
  graphId: string,
  whereabouts: Whereabouts,
): Compared | undefined {
  const row = accounts.bindings.get(graphId)
  if (row === undefined) return undefined
  if (isEnding(row)) return SAME
  const exportedAt = row.exportedAt ?? 0
  if (now - exportedAt < ECHO_MS && whereabouts === 'gone')
    return { ...SAME, recheckAt: exportedAt + ECHO_MS }
  return {
    ...SAME,
    drift: [{ ...rowOf(row), attribute: DELETED, ours: null, theirs: whereabouts }],
  }
}
