import { type SQL, sql } from 'drizzle-orm'

import { err, type Result } from '../kernel/result.ts'
import type { Direction } from '../plan/attributes.ts'
import { isRefused, write } from './admin-write.ts'
import { type Answer, type Database, decode } from './client.ts'
import { appendEvents, headOf, type NewEvent } from './event-log.ts'
import { refuseUnless } from './failure.ts'
import { MAX_TOLD } from './job-store.ts'
import type { DirectionRow } from './round-store.ts'
import { attributeDirection } from './tables/directories.ts'

export interface StoredDirections {
  readonly rows: readonly DirectionRow[]
  /** Attributes that another directory of the organization imports. */
  readonly imports: readonly {
    readonly attribute: string
    readonly directoryId: string
    readonly directoryName: string
  }[]
  /** The attribute that the directory takes the userPrincipalName from. */
  readonly upnSource: string
  /** The log's end. */
  readonly head: number
}

export interface DirectionChange {
  readonly attribute: string
  readonly direction: Direction
  /** What was exported before this event counts for nothing; null: before this change. */
  readonly countsSince: number | null
  /** Tells of this change alone; its sequence is stored with the direction. */
  readonly event: NewEvent
}

interface Key {
  readonly organizationId: string
  readonly directoryId: string
}

const UPN_SOURCE = sql`coalesce(settings ->> '$.upnSource', 'email')`

/** The chosen directions of a directory; undefined when the organization has no such directory. */
export async function readStoredDirections(
  database: Database,
  { organizationId, directoryId }: Key,
): Promise<StoredDirections | undefined> {
  const [found, own, others] = await database.run(
    sql`SELECT ${UPN_SOURCE} AS upn_source, ${headOf(organizationId)} AS head FROM directory
      WHERE organization_id = ${organizationId} AND id = ${directoryId}`,
    sql`SELECT * FROM attribute_direction
      WHERE organization_id = ${organizationId} AND directory_id = ${directoryId}`,
    sql`SELECT a.attribute, d.id, d.name FROM attribute_direction a JOIN directory d
        ON d.organization_id = a.organization_id AND d.id = a.directory_id
      WHERE a.organization_id = ${organizationId} AND a.directory_id <> ${directoryId}
        AND a.direction = 'import'`,
  )
  const [directory] = found?.rows ?? []
  if (directory === undefined) return undefined
  return {
    upnSource: String(directory['upn_source']),
    head: Number(directory['head']),
    rows: (own?.rows ?? []).map((row) => decode(attributeDirection, row)),
    imports: (others?.rows ?? []).map((row) => ({
      attribute: String(row['attribute']),
      directoryId: String(row['id']),
      directoryName: String(row['name']),
    })),
  }
}

export type DirectionFault =
  | { readonly kind: 'stale' }
  | { readonly kind: 'changed'; readonly ids: readonly string[] }

export interface Alongside {
  /** The sequence of the preview that an administrator has seen. */
  readonly atSequence?: number | undefined
  /** What is stored with the directions, after them: the last answers are theirs. What they refuse is `stale` too. */
  readonly alongside?: readonly SQL[]
}

/**
 * Stores directions and the event of each in one batch: all or nothing. Fails as `stale` when the directory, its directions,
 * what it takes the userPrincipalName from, or another directory's imports are no longer as they were read; as `changed` when
 * bound users, some of whom it names, have changed since the preview of `atSequence`.
 */
export async function storeDirections(
  database: Database,
  key: Key,
  before: readonly DirectionRow[],
  changes: readonly DirectionChange[],
  { atSequence, alongside = [] }: Alongside = {},
): Promise<Result<readonly Answer[], DirectionFault>> {
  const { organizationId, directoryId } = key
  const mine = sql`organization_id = ${organizationId} AND directory_id = ${directoryId}`
  const newest = Math.max(0, ...before.map(({ sequence }) => sequence))
  const imported = changes.filter(({ direction }) => direction === 'import')
  const written = await write(database, [
    // Every change takes a higher sequence, so the highest tells whether there was one since.
    refuseUnless(
      sql`EXISTS (SELECT 1 FROM directory WHERE organization_id = ${organizationId} AND id = ${directoryId}
          AND ${UPN_SOURCE} NOT IN (SELECT value FROM json_each(${names(imported)})))
        AND ${newest} = (SELECT coalesce(max(sequence), 0) FROM attribute_direction WHERE ${mine})
        AND NOT EXISTS (SELECT 1 FROM attribute_direction WHERE organization_id = ${organizationId}
          AND directory_id <> ${directoryId} AND direction = 'import'
          AND attribute IN (SELECT value FROM json_each(${names(imported)})))`,
      'stale',
    ),
    ...(atSequence === undefined
      ? []
      : [refuseUnless(sql`NOT EXISTS (${changedSince(key, atSequence)})`, 'changed')]),
    appendEvents(
      organizationId,
      changes.map(({ event }) => event),
    ),
    // The events were just appended in this order, so the last of them is the end of the log.
    sql`INSERT INTO attribute_direction (organization_id, directory_id, attribute, direction, sequence, counts_since)
      SELECT ${organizationId}, ${directoryId}, c.value ->> 'attribute', c.value ->> 'direction',
        (SELECT max(sequence) FROM event WHERE organization_id = ${organizationId})
          - ${changes.length - 1} + c.key, c.value ->> 'countsSince'
      FROM json_each(${rowsOf(changes)}) c
      WHERE TRUE ON CONFLICT DO UPDATE SET direction = excluded.direction, sequence = excluded.sequence,
        counts_since = excluded.counts_since`,
    ...alongside,
  ])
  if (written.ok) return written
  if (atSequence === undefined || !isRefused(written.error, 'changed'))
    return err({ kind: 'stale' })
  const [found] = await database.run(changedSince(key, atSequence))
  return err({ kind: 'changed', ids: (found?.rows ?? []).map(({ id }) => String(id)) })
}

const rowsOf = (changes: readonly DirectionChange[]): string =>
  JSON.stringify(
    changes.map(({ attribute, direction, countsSince }) => ({ attribute, direction, countsSince })),
  )

/** Users that are bound here and have changed after a preview. */
const changedSince = ({ organizationId, directoryId }: Key, sequence: number): SQL =>
  sql`SELECT DISTINCT e.target_id AS id FROM event e JOIN binding b ON b.organization_id = e.organization_id
      AND b.directory_id = ${directoryId} AND b.kind = 'user' AND b.resource_id = e.target_id
    WHERE e.organization_id = ${organizationId} AND e.sequence > ${sequence} AND e.class = 'change'
      AND e.target_type = 'user' AND b.state NOT IN ('unbinding', 'former')
    LIMIT ${MAX_TOLD}`

const names = (changes: readonly DirectionChange[]): string =>
  JSON.stringify(changes.map(({ attribute }) => attribute))
