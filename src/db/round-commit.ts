/** What a round leaves behind: one batch that happens as a whole, and only while the lease is held. */
import { type SQL, sql } from 'drizzle-orm'

import type { JsonObject } from '../kernel/json.ts'
import { type BindingChange, bindingStatements } from './binding-write.ts'
import { isFormerHolder } from './bound-accounts.ts'
import type { Database } from './client.ts'
import { type DomainChange, domainStatements } from './domain-store.ts'
import { appendEvents, type NewEvent } from './event-log.ts'
import { keepFormer, returnFormer } from './former-memberships.ts'
import { type JobErrors, jobErrorStatements } from './job-errors.ts'
import { blockLane, giveBackTokens, type Lane } from './lane-store.ts'
import { takeImported } from './imported-store.ts'
import { holdsLease, type LeaseKey } from './lease.ts'
import { letGoStatements } from './letting-go.ts'
import { dueAt } from './resting.ts'
import {
  type ConnectionRefusal,
  stopStatements,
  type TriedDirectory,
} from './refused-connection.ts'
import {
  LINK_ALONE,
  MAY_BE_CALLED,
  MAY_STOP_TRYING,
  MAY_WAKE,
  MAY_WAKE_FOR_LINK,
  waitersFor,
} from './waiting.ts'

/** Which memberships Graph is known to hold from now on; `graphId` null: it does not. */
export interface EdgeChange {
  readonly groupId: string
  readonly memberId: string
  readonly graphId: string | null
  /** The write has no answer, or was put off: it is to be looked at again. */
  readonly unknown: boolean
  /** When it was added, milliseconds. */
  readonly exportedAt: number
  /** Whether the account was in the group before we added it; absent where what is known of that stays. */
  readonly wasThere?: boolean
  /** Graph did not know of it when it was to be removed: it may come back with its account. */
  readonly mayReturn?: boolean
}

/** A resource without a Graph id, and who waits for it. */
export interface Awaited {
  readonly awaitedId: string
  readonly waiterId: string
}

export interface RoundCommit {
  readonly now: number
  readonly bindings: readonly BindingChange[]
  readonly edges: readonly EdgeChange[]
  /** Groups that are no longer carried: nothing is known of their members. */
  readonly endedGroups: readonly string[]
  readonly awaits: readonly Awaited[]
  readonly arrived: readonly Awaited[]
  /** Users that were due, or were linked: whom they waited for before is forgotten, `awaits` says anew. */
  readonly doneWaiting: readonly string[]
  /** Resources whose Graph id came or changed, or whose account came back: who waits for them is called. See db/waiting.ts. */
  readonly moved: readonly string[]
  /** Resources whose account was found deleted, or whose Graph id went: who tries to be linked to them waits instead. */
  readonly vanished: readonly string[]
  /** Users whose binding ended: what was imported of their accounts ends with it. */
  readonly unbound: readonly string[]
  /** Who is to leave the groups that it is in, and was not told to before. */
  readonly parting: readonly string[]
  /** Graph ids that went: whose manager they were becomes due, and whoever rests with a failure for that link alone. */
  readonly lostGraphIds: readonly string[]
  /** Graph ids of accounts that had been deleted in Microsoft 365 and are there again: the links to them went with them. */
  readonly returnedGraphIds: readonly string[]
  /** Graph ids whose holders become due: somebody waits for their name. */
  readonly calledHolders: readonly string[]
  /** Graph ids of accounts of former bindings that were taken over, or restored: those give them up, and what they were members of is looked at again. */
  readonly takenOver: readonly string[]
  /** Users whose pending password was delivered or refused here. */
  readonly passwordsOf: readonly string[]
  readonly position: number
  readonly urgentPosition: number
  /** Undefined when nothing was learned of the tenant's domains. */
  readonly domains: DomainChange | undefined
  /** The disables and deletions lately; null when nothing changed about them. */
  readonly removals: JsonObject | null
  readonly lastDrain: JsonObject | null
  readonly lastError: JsonObject | null
  /** Set when the directory cannot be reached with its credential. */
  readonly refused: { readonly tried: TriedDirectory; readonly refusal: ConnectionRefusal } | null
  readonly lanes: readonly Lane[]
  readonly unusedTokens: number
  /** Lanes that a 429 blocked: what was given back does not count in them. */
  readonly blocks: readonly { readonly key: string; readonly until: number }[]
  /** What the jobs of commands tell of. */
  readonly jobErrors: readonly JobErrors[]
  readonly events: readonly NewEvent[]
}

/**
 * Stores a round; gives how many users lost imported values by it, which the other directories follow. Throws the failure
 * `refused: lease` when the lease went to somebody else: then nothing was stored.
 */
export async function commitRound(
  database: Database,
  key: LeaseKey,
  round: RoundCommit,
): Promise<number> {
  const taking = unboundStatements(key, round)
  const answers = await database.run(
    holdsLease(key),
    ...takenOverStatements(key, round.takenOver),
    ...bindingStatements(round.bindings),
    ...edgeStatements(key, round.edges, round.endedGroups),
    ...returnFormer(key, round.takenOver, round.now),
    ...awaitedStatements(key, round),
    ...partingStatements(key, round),
    directoryStatement(key, round),
    ...stopsFor(round),
    ...(round.domains === undefined ? [] : domainStatements(key, round.domains, round.now)),
    ...passwordStatements(key, round.passwordsOf),
    ...(round.unusedTokens > 0 ? [giveBackTokens(round.lanes, round.unusedTokens)] : []),
    ...round.blocks.map(({ key, until }) => blockLane(key, until)),
    ...jobErrorStatements(key.organizationId, round.jobErrors),
    ...(round.events.length > 0 ? [appendEvents(key.organizationId, round.events)] : []),
    ...taking,
  )
  return taking.length === 0 ? 0 : (answers.at(-1)?.changes ?? 0)
}

/** Which values there are is asked here: reconciliation may have imported some since the round began. */
function unboundStatements(key: LeaseKey, { unbound, now }: RoundCommit): SQL[] {
  if (unbound.length === 0) return []
  const users = sql`SELECT value FROM json_each(${JSON.stringify(unbound)})`
  return takeImported(key, { users, now })
}

const mine = (key: LeaseKey): SQL =>
  sql`organization_id = ${key.organizationId} AND directory_id = ${key.directoryId}`

/** A round's end steps over its own records: what it appends is nothing that it has to follow. */
function directoryStatement(key: LeaseKey, round: RoundCommit): SQL {
  const error =
    round.lastError === null ? sql`` : sql`last_error = ${JSON.stringify(round.lastError)},`
  const drain =
    round.lastDrain === null ? sql`` : sql`last_drain = ${JSON.stringify(round.lastDrain)},`
  const removals =
    round.removals === null ? sql`` : sql`removals = ${JSON.stringify(round.removals)},`
  return sql`UPDATE directory SET ${error} ${drain} ${removals} intent = NULL,
      position = ${round.position}, urgent_position = ${round.urgentPosition}
    WHERE organization_id = ${key.organizationId} AND id = ${key.directoryId}`
}

const stopsFor = ({ refused, now }: RoundCommit): SQL[] =>
  refused === null ? [] : stopStatements(refused.tried, refused.refusal, now)

/** The statements that store memberships; of ended groups nothing is known any more. */
export function edgeStatements(
  key: LeaseKey,
  edges: readonly EdgeChange[],
  endedGroups: readonly string[],
): SQL[] {
  const held = edges.filter(({ graphId }) => graphId !== null)
  const gone = edges.filter(({ graphId }) => graphId === null)
  const statements: SQL[] = []
  if (held.length > 0)
    statements.push(sql`INSERT INTO exported_member
        (organization_id, directory_id, group_id, member_id, graph_id, unknown, exported_at, was_there)
      SELECT ${key.organizationId}, ${key.directoryId}, e.value ->> 'groupId', e.value ->> 'memberId',
        e.value ->> 'graphId', e.value ->> 'unknown', e.value ->> 'exportedAt', e.value ->> 'wasThere'
      FROM json_each(${JSON.stringify(held)}) e WHERE TRUE
      ON CONFLICT DO UPDATE SET graph_id = excluded.graph_id, unknown = excluded.unknown,
        exported_at = excluded.exported_at,
        was_there = coalesce(excluded.was_there, CASE graph_id WHEN excluded.graph_id THEN was_there END)`)
  const left = gone.flatMap(({ mayReturn, exportedAt, ...edge }) =>
    mayReturn === true ? [{ ...edge, leftAt: exportedAt }] : [],
  )
  if (left.length > 0) statements.push(keepFormer(key, left))
  if (gone.length > 0)
    statements.push(sql`DELETE FROM exported_member WHERE ${mine(key)} AND (group_id, member_id) IN (
      SELECT e.value ->> 'groupId', e.value ->> 'memberId' FROM json_each(${JSON.stringify(gone)}) e)`)
  if (endedGroups.length > 0)
    statements.push(sql`DELETE FROM exported_member WHERE ${mine(key)}
      AND group_id IN (SELECT value FROM json_each(${JSON.stringify(endedGroups)}))`)
  return statements
}

/** What is unknown, with the link to the manager. */
const WITH_MANAGER = sql`CASE WHEN EXISTS (SELECT 1 FROM json_each(unknown) WHERE value = 'manager')
  THEN unknown ELSE json_insert(unknown, '$[#]', 'manager') END`

/** Those who try to be linked to one of `ids` become due. */
const callTrying = (key: LeaseKey, now: number, ids: readonly string[]): SQL =>
  sql`UPDATE binding SET ${dueAt(now)}, attempts = 0
    WHERE ${mine(key)} AND kind IN ('user', 'group') AND ${MAY_STOP_TRYING} AND resource_id IN (
        SELECT waiter_id FROM awaited WHERE ${mine(key)}
          AND awaited_id IN (SELECT value FROM json_each(${JSON.stringify(ids)})))`

/** Those who wait for what is there, or gone, by now. */
const callWaiters = (key: LeaseKey, now: number, ids: readonly string[]): SQL =>
  sql`UPDATE binding SET ${dueAt(now, { found: LINK_ALONE })}, attempts = 0
    WHERE ${mine(key)} AND kind IN ('user', 'group') AND ${MAY_BE_CALLED}
      AND resource_id IN (${waitersFor(key, sql`SELECT value FROM json_each(${JSON.stringify(ids)})`)})`

/** The link is due already, to be what it was before the manager was bound. */
const IS_GIVEN_BACK = sql`(found IS NOT NULL AND json_type(restoring, '$.manager') IS NOT NULL)`

function awaitedStatements(key: LeaseKey, round: RoundCommit): SQL[] {
  const {
    awaits,
    arrived,
    doneWaiting,
    moved,
    vanished,
    lostGraphIds,
    returnedGraphIds,
    calledHolders,
    now,
  } = round
  const statements: SQL[] = []
  if (doneWaiting.length > 0)
    statements.push(sql`DELETE FROM awaited WHERE ${mine(key)}
      AND waiter_id IN (SELECT value FROM json_each(${JSON.stringify(doneWaiting)}))`)
  if (awaits.length > 0)
    statements.push(sql`INSERT INTO awaited (organization_id, directory_id, awaited_id, waiter_id)
      SELECT ${key.organizationId}, ${key.directoryId}, a.value ->> 'awaitedId', a.value ->> 'waiterId'
      FROM json_each(${JSON.stringify(awaits)}) a WHERE TRUE ON CONFLICT DO NOTHING`)
  if (moved.length > 0) statements.push(callWaiters(key, now, moved))
  if (vanished.length > 0) statements.push(callTrying(key, now, vanished))
  if (lostGraphIds.length > 0)
    statements.push(sql`UPDATE binding SET ${dueAt(now, { found: LINK_ALONE })}, attempts = 0
      WHERE ${mine(key)} AND ${MAY_WAKE_FOR_LINK} AND NOT ${IS_GIVEN_BACK}
        AND manager_graph_id IN (SELECT value FROM json_each(${JSON.stringify(lostGraphIds)}))`)
  if (returnedGraphIds.length > 0)
    statements.push(sql`UPDATE binding SET unknown = ${WITH_MANAGER}, attempts = 0,
        due_at = CASE WHEN ${MAY_WAKE_FOR_LINK} THEN ${now} ELSE due_at END,
        found = CASE WHEN ${MAY_WAKE_FOR_LINK} THEN ${LINK_ALONE} ELSE found END
      WHERE ${mine(key)}
        AND manager_graph_id IN (SELECT value FROM json_each(${JSON.stringify(returnedGraphIds)}))`)
  if (calledHolders.length > 0)
    statements.push(sql`UPDATE binding SET ${dueAt(now)}
      WHERE ${mine(key)} AND ${MAY_WAKE}
        AND graph_id IN (SELECT value FROM json_each(${JSON.stringify(calledHolders)}))`)
  if (arrived.length > 0)
    statements.push(sql`DELETE FROM awaited WHERE ${mine(key)} AND (awaited_id, waiter_id) IN (
      SELECT a.value ->> 'awaitedId', a.value ->> 'waiterId' FROM json_each(${JSON.stringify(arrived)}) a)`)
  return statements
}

function partingStatements(key: LeaseKey, { parting, now }: RoundCommit): SQL[] {
  if (parting.length === 0) return []
  return letGoStatements(key, sql`SELECT value FROM json_each(${JSON.stringify(parting)})`, now)
}

/**
 * Before the bindings: one account is bound once, and the index that sees to it would refuse the batch. Whatever was asked about the
 * account of whoever was deleted here is not asked any more.
 */
function takenOverStatements(key: LeaseKey, graphIds: readonly string[]): SQL[] {
  if (graphIds.length === 0) return []
  return [
    sql`UPDATE binding INDEXED BY binding_by_graph_id
      SET graph_id = NULL, state = 'former', approval = NULL, held_sequence = NULL,
        error = CASE state WHEN 'former' THEN error END
      WHERE ${mine(key)} AND ${isFormerHolder} AND graph_id IS NOT NULL AND graph_id IN (SELECT value FROM json_each(${JSON.stringify(graphIds)}))`,
  ]
}

/** A password goes once no directory has it still to deliver: neither a binding, nor one behind its event. */
export const isDelivered: SQL = sql`NOT EXISTS (SELECT 1 FROM directory d
    LEFT JOIN binding b ON b.organization_id = d.organization_id AND b.directory_id = d.id
      AND b.kind = 'user' AND b.resource_id = pending_password.user_id
      AND b.state NOT IN ('unbinding', 'former')
    WHERE d.organization_id = pending_password.organization_id
      AND (d.position < pending_password.sequence AND b.resource_id IS NULL
        OR b.password_sequence < pending_password.sequence))`

function passwordStatements(key: LeaseKey, userIds: readonly string[]): SQL[] {
  if (userIds.length === 0) return []
  return [
    sql`DELETE FROM pending_password WHERE organization_id = ${key.organizationId}
      AND user_id IN (SELECT value FROM json_each(${JSON.stringify(userIds)})) AND ${isDelivered}`,
  ]
}
