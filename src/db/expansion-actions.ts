/** What an expansion makes of the bindings of one page. Each is harmless when it is done twice. */
import { type SQL, sql } from 'drizzle-orm'

import { assertNever } from '../kernel/result.ts'
import { DESIRED } from '../plan/planned.ts'
import { IS_BOUND_AGAIN, isAbout } from './answerable.ts'
import { asks, ASKS_NOTHING, tellAskedOfTurn } from './asked.ts'
import type { LeaseKey } from './lease.ts'
import { letGoStatements } from './letting-go.ts'
import { dueAt, IS_RESTING, isLookedFor, whenDue } from './resting.ts'
import { hasUser, isBeingUndone, tellUnasked } from './undo-store.ts'
import { putBack } from './undo-bindings.ts'
import { LINK_ALONE, MAY_BE_CALLED, waitersFor } from './waiting.ts'
import { MEMBERS } from './whole-group.ts'

export type ExpansionAction =
  | 'look'
  | 'direct'
  | 'directAgain'
  | 'bind'
  | 'unbind'
  | 'export'
  | 'replay'
  | 'approve'
  | 'reject'
  | 'follow'
  | 'undo'

interface Page {
  readonly sequence: number
  /** The event that is to be undone; null where the action is another. */
  readonly undone: number | null
  readonly action: ExpansionAction
  /** The groups whose members are bound; null: groups bind nobody. */
  readonly groupIds: readonly string[] | null
  /** The command names its resources, each by its id. */
  readonly isNamed: boolean
  readonly now: number
}

/** The statements for the resources of `ids`, a subquery. The first one of a command that has a job changes the bindings that it is about. */
export function actionStatements(key: LeaseKey, page: Page, ids: SQL): SQL[] {
  const { action, now, sequence } = page
  const isNamed = page.isNamed ? sql`TRUE` : sql`FALSE`
  const mine = sql`organization_id = ${key.organizationId} AND directory_id = ${key.directoryId}`
  const these = sql`${mine} AND kind IN ('user', 'group') AND resource_id IN (${ids})`
  const asked = sql`${dueAt(whenDue(now))}, ${asks(sequence, action)}`
  switch (action) {
    case 'look':
      return [...endOfMembership(key, page, ids), sql`${look(these, now)} AND ${IS_DIRECTED}`]
    case 'direct':
      return [sql`${look(these, now)} AND ${IS_DIRECTED}`]
    case 'directAgain':
      return [
        sql`${look(these, now, exportedAgain(key, sequence))} AND ${IS_DIRECTED}
          AND (state <> 'failed' OR graph_id IS NOT NULL)`,
      ]
    case 'bind':
      return [bind(key, page, ids), wake(key, ids, now)]
    case 'unbind':
      return unbind(key, page, { these, asked }, ids)
    case 'export': {
      const exported = keysThat(sql`key NOT IN (${notExported(key)})`)
      return [
        sql`UPDATE binding SET ${asked}, attempts = 0, state = ${WAITING},
            unknown = CASE kind WHEN 'group' THEN json_insert(${exported}, '$[#]', ${MEMBERS}) ELSE ${exported} END,
            member_cursor = CASE kind WHEN 'group' THEN '' END
          WHERE ${these} AND ${isAbout('export', page)}`,
      ]
    }
    case 'replay':
      return [
        sql`UPDATE binding SET ${asked}, attempts = 0, state = ${WAITING}, approval = CASE WHEN NOT ${isNamed} THEN approval END
          WHERE ${these} AND ${isAbout('replay', page)}`,
      ]
    case 'approve':
      return [
        sql`UPDATE binding SET ${asked}, approval = 'approved' WHERE ${these} AND ${isAbout('approve', page)}`,
      ]
    case 'reject':
      // That it has failed afterwards is what was asked for: the job has nothing to wait for.
      return [
        sql`UPDATE binding SET ${dueAt(now)}, approval = 'rejected' WHERE ${these} AND ${isAbout('reject', page)}`,
      ]
    case 'follow':
      return [
        ...followMembers(key, page, ids),
        wake(key, ids, now),
        ...endOfMembership(key, page, ids),
      ]
    case 'undo':
      return [
        putBack({ sequence, undone: page.undone ?? 0, now }, these),
        tellUnasked(key, { sequence, undone: page.undone ?? 0 }, ids),
        ...letGo(key, ids, now),
      ]
    default:
      return assertNever(action)
  }
}

/**
 * Whoever rests is looked at anew, with everything, or with what `found` says; what was tried alone of whoever waits, waits with the rest.
 * Who is held without an account waits for the answer.
 */
const look = (these: SQL, now: number, found?: SQL): SQL =>
  sql`UPDATE binding SET ${dueAt(sql`CASE WHEN ${IS_RESTING} THEN ${now} ELSE rest_due_at END`, found === undefined ? {} : { found })},
      state = CASE state WHEN 'synced' THEN 'owed' ELSE state END
    WHERE ${these} AND (due_at IS NULL OR found IS NOT NULL) AND state <> 'former'
      AND (state <> 'held' OR graph_id IS NOT NULL AND deleted_at IS NULL)`

/**
 * Directions and settings are about those who stay: nothing of an ending that was refused is tried for them, nor anything of an account
 * that came back before somebody has said so.
 */
const IS_DIRECTED = sql`unbound_by IS NULL AND state <> 'unbinding' AND ${hasUser('binding')}
  AND coalesce(error ->> '$.code', '') <> 'account_returned'`

/** What an undoing exports again is sent alone where something else was refused before, or is held. */
const exportedAgain = ({ organizationId, directoryId }: LeaseKey, sequence: number): SQL =>
  sql`CASE WHEN state IN ('failed', 'held') THEN (SELECT json_group_array(name) FROM (
    SELECT ${DESIRED} || attribute AS name FROM attribute_direction
      WHERE organization_id = ${organizationId} AND directory_id = ${directoryId} AND sequence = ${sequence}
    UNION SELECT value FROM json_each(found))) END`

/** The state of a binding that waits for its next try. */
const WAITING = sql`CASE WHEN unbound_by IS NOT NULL THEN 'unbinding' WHEN graph_id IS NULL THEN 'pending' ELSE 'owed' END`

/**
 * Nothing that was exported counts as known any more, so that all of it is sent again: but for the disabling of an account that is
 * disabled already, which would count as a removal. Whether somebody enabled it since, reconciliation finds.
 */
const keysThat = (condition: SQL): SQL => sql`(SELECT json_group_array(name) FROM (
  SELECT key AS name FROM json_each(snapshot) WHERE NOT (key = 'accountEnabled' AND type = 'false') AND ${condition}
  UNION SELECT value FROM json_each(unknown)))`
const EVERYTHING = keysThat(sql`TRUE`)

/** Of these what was exported stays known: an undoing that exports them again goes on from it. */
const notExported = ({ organizationId, directoryId }: LeaseKey): SQL =>
  sql`SELECT attribute FROM attribute_direction WHERE organization_id = ${organizationId}
    AND directory_id = ${directoryId} AND direction <> 'export'`

/** It has ended, or its bind is being undone: of what its account was given back so far the snapshot says nothing. */
const IS_LET_GO = sql`(state = 'former' OR unbound_by IS 'undo')`

/** Its account was let go of, and is somebody else's until the next export: what it holds by then is kept. */
const IS_BACK = sql`${IS_LET_GO} AND kind = 'user' AND graph_id IS NOT NULL AND deleted_at IS NULL`

/** Nothing that came in the meantime is for its account: no password above all. */
const HAS_ENDED = sql`(state = 'former' OR unbound_by IS NOT NULL)`

/** Whoever stays bound, or comes back to its groups before it was let go of, is given back what the undoing of a direction has begun with. */
const STAYS = sql`(state <> 'former' AND (unbound_by IS NULL OR unbound_by = 'groups'))`

/**
 * A group that we deleted in Microsoft 365 is made anew; a user's account is looked for in the recycle bin. Of an account that
 * somebody deleted there, or whose bind is being undone, nothing is known any more. Whose bind was undone, or ended before there was an account, has that which it was
 * imported from. What was rejected of somebody who stayed bound, the disabling of a suspended
 * user above all, stays so. `boundAt`: the sequence at which whoever had ended is bound again.
 */
const revived = (
  now: number,
  boundAt: SQL,
): SQL => sql`graph_id = CASE WHEN kind = 'group' AND deleted_at IS NOT NULL THEN NULL ELSE graph_id END,
  deleted_at = CASE kind WHEN 'user' THEN deleted_at END,
  unknown = CASE WHEN ${IS_LET_GO} OR error ->> '$.code' = 'object_missing' THEN ${EVERYTHING} ELSE unknown END,
  snapshot = CASE WHEN ${IS_BACK} THEN json_patch('{}', json_object('email', snapshot ->> 'email')) ELSE snapshot END,
  password_sequence = CASE WHEN ${HAS_ENDED} THEN max(password_sequence, ${boundAt}) ELSE password_sequence END,
  adopted_at = CASE WHEN ${IS_BACK} THEN ${now} WHEN state <> 'former' THEN adopted_at END,
  state = CASE WHEN graph_id IS NULL OR deleted_at IS NOT NULL THEN 'pending' ELSE 'owed' END,
  adopting = CASE WHEN unbound_by = 'undo' AND graph_id IS NULL THEN excluded.adopting ELSE adopting END,
  unbound_by = NULL, restoring = CASE WHEN ${STAYS} THEN restoring END, undo_sequence = CASE WHEN ${STAYS} THEN undo_sequence END, attempts = 0,
  error = CASE WHEN error ->> '$.code' = 'object_missing' THEN error END,
  approval = CASE WHEN approval = 'rejected' AND unbound_by IS NULL THEN approval END`

/** The account of the directory that a user was imported from. */
const importedAccount = (directoryId: string): SQL =>
  sql`CASE imported_from ->> '$.directoryId' WHEN ${directoryId} THEN imported_from ->> '$.graphId' END`

/**
 * Binds users and groups that exist; whoever is bound already is looked at again. What is held stays so, unless it is an ending. A
 * password that is older than the bind counts as delivered: a later bind sends none.
 */
function bind({ organizationId, directoryId }: LeaseKey, { sequence, now }: Page, ids: SQL): SQL {
  const found = (kind: 'user' | 'group', table: SQL, account: SQL) =>
    sql`SELECT ${kind} AS kind, id, ${account} AS account FROM ${table} WHERE organization_id = ${organizationId} AND id IN (${ids})`
  const users = found('user', sql`user`, importedAccount(directoryId))
  return sql`INSERT INTO binding (organization_id, directory_id, kind, resource_id, state, reason, snapshot, unknown,
      due_at, asked_sequence, bound_sequence, password_sequence, member_cursor, adopting)
    SELECT ${organizationId}, ${directoryId}, r.kind, r.id, 'pending', 'manual', '{}', '[]', ${now}, ${sequence}, ${sequence}, ${sequence},
      CASE r.kind WHEN 'group' THEN '' END, r.account
    FROM (${users} UNION ALL ${found('group', sql`"group"`, sql`NULL`)}) r WHERE TRUE
    ON CONFLICT (organization_id, directory_id, kind, resource_id) DO UPDATE SET
      ${revived(now, sql`${sequence}`)}, reason = 'manual', ${dueAt(whenDue(now))},
      ${asks(sequence, 'bind')},
      bound_sequence = CASE WHEN state = 'former' OR ${isBeingUndone('binding')} THEN ${sequence} ELSE bound_sequence END,
      member_cursor = CASE kind WHEN 'group' THEN '' END
    WHERE ${IS_BOUND_AGAIN}`
}

/** Whoever is unbound after it failed for want of the account that it was imported from, has none: another bind makes a new one. */
const FORGOTTEN = sql`CASE WHEN error ->> '$.code' = 'imported_account_missing' THEN NULL ELSE adopting END`

/**
 * Ends bindings; one whose ending was rejected when it is named. One that has ended already is an administrator's doing from now on:
 * nothing binds it again but a command.
 */
function unbind(
  key: LeaseKey,
  page: Page,
  { these, asked }: Record<'these' | 'asked', SQL>,
  ids: SQL,
): SQL[] {
  return [
    sql`UPDATE binding SET ${asked}, attempts = 0, state = 'unbinding', unbound_by = 'admin', approval = NULL,
        adopting = ${FORGOTTEN}, restoring = NULL, undo_sequence = NULL
      WHERE ${these} AND ${isAbout('unbind', page)}`,
    sql`UPDATE binding SET unbound_by = 'admin' WHERE ${these} AND state = 'former' AND unbound_by IS NOT 'admin'`,
    ...letGo(key, ids, page.now),
  ]
}

const inGroups = (organizationId: string, groupIds: readonly string[]): SQL =>
  sql`organization_id = ${organizationId} AND group_id IN (SELECT value FROM json_each(${JSON.stringify(groupIds)}))`

/** Whoever is a member of one of the groups is bound, unless an administrator has unbound it; a password that was followed before is older. */
function followMembers(key: LeaseKey, { groupIds, now }: Page, ids: SQL): SQL[] {
  const { organizationId, directoryId } = key
  if (groupIds === null) return []
  const position = sql`(SELECT position FROM directory WHERE organization_id = ${organizationId} AND id = ${directoryId})`
  const members = sql`SELECT member_id FROM group_member WHERE ${inGroups(organizationId, groupIds)} AND member_id IN (${ids})`
  const isBack = sql`unbound_by = 'groups'`
  return [
    tellAskedOfTurn(key, 'returns', sql`${isBack} AND state <> 'former'`, members),
    sql`INSERT INTO binding (organization_id, directory_id, kind, resource_id, state, reason, snapshot, unknown, due_at, adopting,
      password_sequence)
    SELECT ${organizationId}, ${directoryId}, 'user', u.id, 'pending', 'groups', '{}', '[]', ${now}, ${importedAccount(directoryId)},
      ${position}
    FROM user u WHERE u.organization_id = ${organizationId} AND u.id IN (${members})
    ON CONFLICT (organization_id, directory_id, kind, resource_id) DO UPDATE SET
      ${revived(now, position)}, reason = 'groups', ${dueAt(whenDue(now))}, bound_sequence = NULL, ${ASKS_NOTHING}
    WHERE ${isBack}`,
  ]
}

/**
 * A binding that exists for groups alone ends when its user is in none of them. Whoever was deleted ends as such. Where an
 * administrator rejected to take the account away before, this is another reason to, which is asked about.
 */
function endOfMembership(key: LeaseKey, { groupIds, now }: Page, ids: SQL): SQL[] {
  const { organizationId, directoryId } = key
  if (groupIds === null) return []
  const members = sql`SELECT member_id FROM group_member WHERE ${inGroups(organizationId, groupIds)}
    AND member_id IN (${ids})`
  const ends = sql`kind = 'user' AND reason = 'groups' AND state <> 'former' AND unbound_by IS NULL
    AND resource_id NOT IN (${members})
    AND resource_id IN (SELECT id FROM user WHERE organization_id = ${organizationId} AND id IN (${ids}))`
  return [
    tellAskedOfTurn(key, 'ends', ends, ids),
    sql`UPDATE binding SET state = 'unbinding', unbound_by = 'groups', ${dueAt(now)}, attempts = 0, ${ASKS_NOTHING},
        approval = CASE approval WHEN 'rejected' THEN 'asked' END,
        held_sequence = (SELECT max(sequence) FROM event WHERE organization_id = ${organizationId})
      WHERE organization_id = ${organizationId} AND directory_id = ${directoryId} AND resource_id IN (${ids}) AND ${ends}`,
    ...letGo(key, ids, now),
  ]
}

/** Whoever is bound again may have an account already: those who wait for it, groups above all, are looked at. */
function wake(key: LeaseKey, ids: SQL, now: number): SQL {
  const mine = sql`organization_id = ${key.organizationId} AND directory_id = ${key.directoryId}`
  const there = sql`SELECT resource_id FROM binding WHERE ${mine} AND kind IN ('user', 'group') AND resource_id IN (${ids})
    AND graph_id IS NOT NULL AND state NOT IN ('unbinding', 'former') AND NOT ${isLookedFor(now)}`
  return sql`UPDATE binding SET ${dueAt(now, { found: LINK_ALONE })}, attempts = 0, state = CASE state WHEN 'synced' THEN 'owed' ELSE state END
    WHERE ${mine} AND kind IN ('user', 'group') AND ${IS_RESTING} AND ${MAY_BE_CALLED}
      AND state NOT IN ('former', 'unbinding') AND resource_id IN (${waitersFor(key, there)})`
}

/** Whoever is unbound leaves the groups that are bound here. */
function letGo(key: LeaseKey, ids: SQL, now: number): SQL[] {
  const { organizationId, directoryId } = key
  const ending = sql`SELECT resource_id FROM binding WHERE organization_id = ${organizationId} AND directory_id = ${directoryId}
    AND kind IN ('user', 'group') AND resource_id IN (${ids}) AND state = 'unbinding'`
  return letGoStatements(key, ending, now)
}
