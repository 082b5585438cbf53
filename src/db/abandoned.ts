/** What a drain stores outside of rounds: an abandoned intent as unknown, a credential that does not open. */
import { type SQL, sql } from 'drizzle-orm'

import type { JsonObject } from '../kernel/json.ts'
import { type BindingChange, bindingStatements } from './binding-write.ts'
import { type Database, decode } from './client.ts'
import { holdsLease, type LeaseKey, renewLease } from './lease.ts'
import {
  type ConnectionRefusal,
  stopStatements,
  type TriedDirectory,
} from './refused-connection.ts'
import { type EdgeChange, edgeStatements } from './round-commit.ts'
import type { BindingRow } from './round-store.ts'
import { binding } from './tables/directories.ts'

/** The bindings that an abandoned intent names, as far as they were stored. */
export async function readAbandoned(
  database: Database,
  key: LeaseKey,
  writes: readonly { readonly kind: 'user' | 'group'; readonly id: string }[],
): Promise<readonly BindingRow[]> {
  const idsOf = (kind: 'user' | 'group') =>
    JSON.stringify(writes.filter((write) => write.kind === kind).map(({ id }) => id))
  const bindings = (kind: 'user' | 'group') =>
    sql`SELECT * FROM binding WHERE organization_id = ${key.organizationId}
      AND directory_id = ${key.directoryId} AND kind = ${kind}
      AND resource_id IN (SELECT value FROM json_each(${idsOf(kind)}))`
  const [, users, groups] = await database.run(holdsLease(key), bindings('user'), bindings('group'))
  return [...(users?.rows ?? []), ...(groups?.rows ?? [])].map((row) => decode(binding, row))
}

/** Stores what is unknown from now on; the intent has done its service. */
export async function storeAbandoned(
  database: Database,
  key: LeaseKey,
  unknown: {
    readonly bindings: readonly BindingChange[]
    readonly edges: readonly EdgeChange[]
    /** The disables and deletions, with those that may have happened; null when there were none. */
    readonly removals: JsonObject | null
  },
): Promise<void> {
  const { removals } = unknown
  await database.run(
    holdsLease(key),
    ...bindingStatements(unknown.bindings),
    ...edgeStatements(key, unknown.edges, []),
    ...(removals === null ? [] : [removalsStatement(key, removals)]),
    renewLease(key, null),
  )
}

const removalsStatement = (key: LeaseKey, removals: JsonObject): SQL =>
  sql`UPDATE directory SET removals = ${JSON.stringify(removals)}
    WHERE organization_id = ${key.organizationId} AND id = ${key.directoryId}`

/** The directory cannot be reached with its credential: it is left alone until an administrator has mended it. */
export async function storeAuthError(
  database: Database,
  key: LeaseKey,
  tried: TriedDirectory,
  refusal: ConnectionRefusal,
  now: number,
): Promise<void> {
  await database.run(
    holdsLease(key),
    ...stopStatements(tried, refusal, now),
    sql`UPDATE directory SET lease_token = NULL, lease_until = 0
      WHERE organization_id = ${key.organizationId} AND id = ${key.directoryId}`,
  )
}
