import { sql } from 'drizzle-orm'

import { type Database, decode } from './client.ts'
import type { DirectoryRow } from './lease.ts'
import { directory } from './tables/directories.ts'

/** A directory with its sealed credential, and what it carries. */
export interface StoredConnection {
  readonly directory: DirectoryRow
  /** Whether any group is bound to it. */
  readonly hasGroups: boolean
}

/** What it takes to reach a directory's tenant, in one round trip; undefined when the organization has no such directory. */
export async function readConnection(
  database: Database,
  organizationId: string,
  directoryId: string,
): Promise<StoredConnection | undefined> {
  const [found] = await database.run(
    sql`SELECT *, EXISTS (SELECT 1 FROM binding WHERE organization_id = ${organizationId}
        AND directory_id = ${directoryId} AND kind = 'group' AND state <> 'former') AS has_groups
      FROM directory WHERE organization_id = ${organizationId} AND id = ${directoryId}`,
  )
  const [row] = found?.rows ?? []
  return row && { directory: decode(directory, row), hasGroups: row['has_groups'] === 1 }
}
