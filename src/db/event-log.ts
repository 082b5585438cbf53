import { type SQL, sql } from 'drizzle-orm'

import type { Json, JsonObject } from '../kernel/json.ts'

/** The types of events; a directory reads no more of one than class, type and target, and of drift what was found. */
export const EVENT_TYPES = [
  'user_create',
  'user_update',
  'user_suspend',
  'user_activate',
  'user_password',
  'user_delete',
  'user_import',
  'group_create',
  'group_update',
  'group_delete',
  'binding_create',
  'binding_delete',
  'binding_held',
  'export_success',
  'export_failure',
  'export_requested',
  'replay_requested',
  'held_approve',
  'held_reject',
  'undo',
  'drift_found',
  'reconciliation_request',
  'reconciliation_held',
  'reconciliation_approve',
  'reconciliation_reject',
  'password_expired',
  'directory_create',
  'directory_update',
  'directory_delete',
  'integrationattribute_include',
  'integrationattribute_exclude',
  'source_create',
  'source_update',
  'source_delete',
  'organization_create',
  'organization_update',
  'admin_create',
  'admin_update',
  'admin_delete',
  'credential_create',
  'credential_revoke',
  'credential_expiring',
  'auth_failure',
] as const

export type EventType = (typeof EVENT_TYPES)[number]

export interface Actor {
  readonly type: 'admin' | 'source' | 'system' | 'operator'
  readonly id: string | null
  readonly name?: string
  readonly keyId?: string
}

export interface Origin {
  readonly ip?: string
  readonly requestId?: string
}

/** A value that an event tells of; secrets and passwords are never among them. Without `from` nobody knows what was there. */
export interface Change {
  readonly attribute: string
  readonly from?: Json
  readonly to: Json
}

/** What a deletion tells of what is gone: the values that its creation would tell. */
export const valuesGone = (created: readonly Change[]): Change[] =>
  created.map(({ attribute, to }) => ({ attribute, from: to, to: null }))

export interface NewEvent {
  readonly class: 'change' | 'command' | 'record'
  readonly type: EventType
  readonly time: number
  readonly urgent?: boolean
  readonly target: { readonly type: string; readonly id: string }
  /** Of a change the directory that it was imported from. */
  readonly directoryId?: string
  readonly touched?: readonly string[]
  readonly outcome?: 'success' | 'failure'
  readonly actor: Actor
  readonly origin?: Origin
  readonly changes?: readonly Change[]
  readonly details?: JsonObject
}

/**
 * An event about a group names at most this many of its members, and one more to say: look at the whole group. The event of
 * a deletion names every group that the deleted one was in, for nothing else tells of them afterwards.
 */
export const MAX_TOUCHED = 1000
const MAX_CHANGES_BYTES = 16 * 1024
const MAX_CHANGES = 100

/**
 * The statement that appends events to an organization's log. The sequence is taken inside the batch, so the
 * order of the log is the order of the commits. With `onlyIfChanged` nothing is appended unless the statement
 * directly before it changed a row: that is how a guarded write and its event are all or nothing.
 */
export function appendEvents(
  organizationId: string,
  events: readonly NewEvent[],
  { onlyIfChanged = false }: { onlyIfChanged?: boolean } = {},
): SQL {
  const rows = sql`json_each(${JSON.stringify(events.map(toRow))})`
  return sql`${insertEvents(organizationId, rows)}
    ${onlyIfChanged ? sql`WHERE changes() = 1` : sql``}
    RETURNING sequence`
}

/**
 * The statement that appends an event for each row of `changed`, a query of `target_id` and `changes` (JSON): what else it tells
 * stands in `event`. So what is changed and what is told of it come from the same rows.
 */
export function appendEventsOf(
  organizationId: string,
  event: Omit<NewEvent, 'changes'>,
  changed: SQL,
): SQL {
  return insertEvents(
    organizationId,
    sql`(SELECT row_number() OVER (ORDER BY target_id) - 1 AS key, json_set(${JSON.stringify(toRow(event))},
      '$.targetId', target_id, '$.body.changes', json(changes)) AS value FROM (${changed}))`,
  )
}

/** The log's end: the sequence of the newest event; 0 when there is none. */
export const headOf = (organizationId: string): SQL =>
  sql`(SELECT coalesce(max(sequence), 0) FROM event WHERE organization_id = ${organizationId})`

/** `rows`: events by their place, as `toRow` makes them. */
const insertEvents = (organizationId: string, rows: SQL): SQL =>
  sql`INSERT INTO event (organization_id, sequence, time, class, type, urgent, target_type, target_id,
      directory_id, touched, outcome, actor_type, actor_id, body)
    SELECT ${organizationId},
      ${headOf(organizationId)} + e.key + 1,
      e.value ->> 'time', e.value ->> 'class', e.value ->> 'type', e.value ->> 'urgent',
      e.value ->> 'targetType', e.value ->> 'targetId', e.value ->> 'directoryId', e.value -> 'touched',
      e.value ->> 'outcome', e.value ->> 'actorType', e.value ->> 'actorId', e.value -> 'body'
    FROM ${rows} e`

function toRow(event: NewEvent): JsonObject {
  const { name, keyId } = event.actor
  return {
    time: event.time,
    class: event.class,
    type: event.type,
    urgent: event.urgent === true ? 1 : 0,
    targetType: event.target.type,
    targetId: event.target.id,
    ...(event.directoryId === undefined ? {} : { directoryId: event.directoryId }),
    ...(event.touched === undefined ? {} : { touched: event.touched }),
    outcome: event.outcome ?? 'success',
    actorType: event.actor.type,
    actorId: event.actor.id,
    body: {
      actor: { ...(name === undefined ? {} : { name }), ...(keyId === undefined ? {} : { keyId }) },
      origin: { ...event.origin },
      ...boundChanges(event.changes ?? []),
      details: event.details ?? {},
    },
  }
}

/**
 * Whether a directory follows what the log holds: every change, and its own commands. What it imported itself came from its tenant, and
 * has nothing written there. `columns`: how the table is called whose columns these are.
 */
export function isFollowedBy(directoryId: string | SQL, columns: 'e' | 'event' = 'event'): SQL {
  const e = sql.raw(columns)
  return sql`(${e}.class = 'change' AND ${e}.directory_id IS NOT ${directoryId}
    OR ${e}.class = 'command' AND ${e}.directory_id = ${directoryId})`
}

/** At most 16 KB of changes; a longer list becomes its count and the first hundred, without values that are long. */
function boundChanges(changes: readonly Change[]): JsonObject {
  const plain = changes.map(({ attribute, from, to }): JsonObject =>
    from === undefined ? { attribute, to } : { attribute, from, to },
  )
  if (JSON.stringify(plain).length <= MAX_CHANGES_BYTES) return { changes: plain }
  const cut = plain
    .slice(0, MAX_CHANGES)
    .map((change): JsonObject =>
      JSON.stringify(change).length <= MAX_CHANGES_BYTES / MAX_CHANGES
        ? change
        : { attribute: change['attribute'] ?? null },
    )
  return { changes: cut, changeCount: plain.length }
}
