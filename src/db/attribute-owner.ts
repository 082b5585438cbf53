/** Which attributes of users Microsoft 365 owns. */
import { sql } from 'drizzle-orm'

import type { Database } from './client.ts'

export interface AttributeOwner {
  readonly attribute: string
  readonly directoryId: string
  readonly directoryName: string
}

/** Those of some attributes that a directory of the organization imports, with the directory. */
export async function ownersOf(
  database: Database,
  organizationId: string,
  attributes: readonly string[],
): Promise<readonly AttributeOwner[]> {
  const [found] = await database.run(
    sql`SELECT a.attribute, d.id, d.name FROM attribute_direction a JOIN directory d
        ON d.organization_id = a.organization_id AND d.id = a.directory_id
      WHERE a.organization_id = ${organizationId} AND a.direction = 'import'
        AND a.attribute IN (SELECT value FROM json_each(${JSON.stringify(attributes)}))`,
  )
  return (found?.rows ?? []).map((row) => ({
    attribute: String(row['attribute']),
    directoryId: String(row['id']),
    directoryName: String(row['name']),
  }))
}
