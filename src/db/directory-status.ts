/** How far a directory has come: what is still owed, what failed, what is held, and how fast it may go. */
import { type SQL, sql } from 'drizzle-orm'

import type { Database } from './client.ts'
import { decode } from './client.ts'
import { isFollowedBy } from './event-log.ts'
import { type LaneScope, laneKey } from './lane-store.ts'
import type { DirectoryRow } from './lease.ts'
import { IS_REJECTED } from './rejection.ts'
import { directory } from './tables/directories.ts'

export interface DirectoryStatus {
  readonly directory: DirectoryRow
  /** Resources with something still to send: due bindings, and what the log holds after the directory's position. */
  readonly owed: number
  /** When the first of it is tried; in the past or 0 when it is at once. */
  readonly nextAt: number
  readonly inFlight: number
  readonly failed: number
  /** How many of those that failed an administrator rejected: they are answered. */
  readonly rejected: number
  readonly held: number
  readonly bound: number
  /** When Graph lets us write again; in the past or 0 when it does. */
  readonly blockedUntil: number
}

/** The log is counted no further than this: a directory that lags more owes at least as much. */
const MAX_LOG = 10_000

/** The status of one directory, in one round trip; undefined when the organization has no such directory. */
export async function readStatus(
  database: Database,
  organizationId: string,
  directoryId: string,
): Promise<DirectoryStatus | undefined> {
  const mine = sql`organization_id = ${organizationId} AND directory_id = ${directoryId}`
  const [found, counted, owed, blocked] = await database.run(
    sql`SELECT *, CASE WHEN lease_token IS NOT NULL AND json_type(intent, '$.writes') = 'array'
        THEN json_array_length(intent, '$.writes') + json_array_length(intent, '$.edges') ELSE 0 END AS in_flight
      FROM directory WHERE organization_id = ${organizationId} AND id = ${directoryId}`,
    sql`SELECT count(*) FILTER (WHERE ${HAS_FAILED}) AS failed,
        count(*) FILTER (WHERE ${HAS_FAILED} AND ${IS_REJECTED}) AS rejected,
        count(*) FILTER (WHERE state = 'held' AND due_at IS NULL) AS held,
        count(*) FILTER (WHERE state NOT IN ('unbinding', 'former')) AS bound
      FROM binding WHERE ${mine}`,
    owedBy(organizationId, directoryId),
    blockedLanes(organizationId, directoryId),
  )
  const [row] = found?.rows ?? []
  if (row === undefined) return undefined
  const counts = { ...counted?.rows[0], ...owed?.rows[0] }
  return {
    directory: decode(directory, row),
    owed: Number(counts['owed']),
    nextAt: Number(counts['next_at']),
    inFlight: Number(row['in_flight']),
    failed: Number(counts['failed']),
    rejected: Number(counts['rejected']),
    held: Number(counts['held']),
    bound: Number(counts['bound']),
    blockedUntil: Number(blocked?.rows[0]?.['until'] ?? 0),
  }
}

/** How many resources owe something, and when the first of them is tried: 0 for at once. */
const owedBy = (organizationId: string, directoryId: string): SQL =>
  sql`SELECT count(DISTINCT id) AS owed, coalesce(min(due_at), 0) AS next_at FROM (
    SELECT target_id AS id, 0 AS due_at FROM (${lagging(organizationId, directoryId)})
    UNION ALL SELECT resource_id, coalesce(due_at, 0) FROM binding
      WHERE organization_id = ${organizationId} AND directory_id = ${directoryId} AND (state IN ('pending', 'owed')
        OR (state = 'unbinding' AND NOT ${GIVEN_UP}) OR (due_at IS NOT NULL AND state <> 'former')))`

/** An unbinding that failed stays one; it waits for somebody who replays it. */
const GIVEN_UP = sql`(state = 'unbinding' AND due_at IS NULL AND error IS NOT NULL)`

const HAS_FAILED = sql`(state = 'failed' AND due_at IS NULL OR ${GIVEN_UP})`

/** The resources that the log names after the position; a command about the directory counts as one. */
const lagging = (organizationId: string, directoryId: string): SQL =>
  sql`SELECT target_id FROM (SELECT target_id FROM event WHERE organization_id = ${organizationId}
    AND sequence > (SELECT position FROM directory
      WHERE organization_id = ${organizationId} AND id = ${directoryId})
    AND ${isFollowedBy(directoryId)}
    ORDER BY sequence LIMIT ${MAX_LOG})`

/** The lanes of a directory follow from its row, which is read in the same batch. */
function blockedLanes(organizationId: string, directoryId: string): SQL {
  const scopes: readonly LaneScope[] = ['app_tenant', 'tenant', 'app']
  const keys = scopes.map(
    (scope) =>
      sql`replace(replace(${laneKey(scope, '{tenant}', '{client}')}, '{tenant}', d.tenant_id), '{client}', d.client_id)`,
  )
  return sql`SELECT max(l.blocked_until) AS until FROM directory d JOIN lane l ON l.key IN (${sql.join(keys, sql`, `)})
    WHERE d.organization_id = ${organizationId} AND d.id = ${directoryId}`
}
