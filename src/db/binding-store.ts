/** Bindings as administrators read them; only drains write them. */
import { sql } from 'drizzle-orm'

import { walked, walkedPage } from './bounded-walk.ts'
import { type Database, decode } from './client.ts'
import { nameColumns, namesIn, type ResourceNames } from './resource-names.ts'
import type { BindingRow } from './round-store.ts'
import { binding } from './tables/directories.ts'

export type BindingState = BindingRow['state']

export const BINDING_STATES = binding.state.enumValues

export interface BindingQuery {
  readonly organizationId: string
  readonly directoryId: string
  readonly states: readonly BindingState[]
  /** Absent: both. */
  readonly kind?: BindingRow['kind'] | undefined
  /** Only those of which nothing is tried any more. */
  readonly isOver?: boolean
  /** The id of the user or group that the page before ended with. */
  readonly after: string | undefined
  readonly limit: number
}

export interface BindingPage {
  readonly items: readonly (BindingRow & ResourceNames)[]
  readonly nextAfter: string | undefined
}

/** A binding has no id of its own: it is the directory's, about this resource. */
export const bindingId = (directoryId: string, resourceId: string): string =>
  `bnd_${directoryId.replace(/^dir_/, '')}_${resourceId}`

/** The user or group that a binding of this directory is about; undefined for the id of another one's. */
export function resourceOfBinding(directoryId: string, id: string): string | undefined {
  const prefix = bindingId(directoryId, '')
  return id.startsWith(prefix) ? id.slice(prefix.length) : undefined
}

const kindOf = (resourceId: string): string => (resourceId.startsWith('grp_') ? 'group' : 'user')

/** What Microsoft 365 was told that somebody is called who is gone here: their account is there, and may wait for an administrator. */
const LAST_NAMES = {
  user: sql`CASE b.kind WHEN 'user' THEN b.snapshot ->> '$.email' END`,
  group: sql`CASE b.kind WHEN 'group' THEN b.snapshot ->> '$.displayName' END`,
}

/** One page of a directory's bindings, groups before users; undefined when there is no such directory. */
export async function listBindings(
  database: Database,
  { organizationId, directoryId, states, kind, isOver = false, after = '', limit }: BindingQuery,
): Promise<BindingPage | undefined> {
  const mine = sql`organization_id = ${organizationId} AND directory_id = ${directoryId}`
  const start = after === '' ? sql`TRUE` : sql`(kind, resource_id) > (${kindOf(after)}, ${after})`
  const page = walked({
    from: sql`binding WHERE ${mine} AND ${kind === undefined ? sql`TRUE` : sql`kind = ${kind}`} AND ${start}`,
    place: sql`resource_id`,
    order: sql`kind, resource_id`,
    matches: sql`state IN (SELECT value FROM json_each(${JSON.stringify(states)}))
      AND ${isOver ? sql`due_at IS NULL` : sql`TRUE`}`,
    limit,
  })
  const names = nameColumns(organizationId, sql`b.resource_id`, sql`b.resource_id`, LAST_NAMES)
  const [found, rows] = await database.run(
    sql`SELECT 1 FROM directory WHERE organization_id = ${organizationId} AND id = ${directoryId}`,
    sql`SELECT b.*, w.is_match, w.walked, ${names} FROM ${page} w JOIN binding b
        ON b.organization_id = ${organizationId} AND b.directory_id = ${directoryId}
          AND b.kind = CASE substr(w.place, 1, 4) WHEN 'grp_' THEN 'group' ELSE 'user' END
          AND b.resource_id = w.place
      ORDER BY b.kind, b.resource_id`,
  )
  if ((found?.rows.length ?? 0) === 0) return undefined
  const read = walkedPage(rows?.rows ?? [], limit)
  return {
    items: read.rows.map((row) => ({ ...decode(binding, row), ...namesIn(row) })),
    nextAfter: read.last === undefined ? undefined : String(read.last['resource_id']),
  }
}
