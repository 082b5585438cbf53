/** Which attributes of a user Microsoft 365 owns. */
import { sql } from 'drizzle-orm'

import type { Database } from './client.ts'

export interface AttributeOwner {
  readonly attribute: string
  readonly directoryId: string
  readonly directoryName: string
}

/**
 * Those of some attributes whose value comes from a directory that imports it, with the directory: the user is bound there, was
 * created just now where everybody is bound, or still has a value of its. Of whoever is not bound there nobody imports anything.
 */
export async function ownersOf(
  database: Database,
  organizationId: string,
  userId: string,
  attributes: readonly string[],
): Promise<readonly AttributeOwner[]> {
  const [found] = await database.run(
    sql`SELECT a.attribute, d.id, d.name FROM attribute_direction a JOIN directory d
        ON d.organization_id = a.organization_id AND d.id = a.directory_id
      WHERE a.organization_id = ${organizationId} AND a.direction = 'import'
        AND a.attribute IN (SELECT value FROM json_each(${JSON.stringify(attributes)}))
        AND (EXISTS (SELECT 1 FROM binding b WHERE b.organization_id = a.organization_id
            AND b.directory_id = a.directory_id AND b.kind = 'user' AND b.resource_id = ${userId}
            AND b.state NOT IN ('unbinding', 'former'))
          OR d.settings ->> '$.bindNewUsers.mode' = 'all' AND EXISTS (SELECT 1 FROM event e
            WHERE e.organization_id = a.organization_id AND e.target_id = ${userId} AND e.type = 'user_create'
              AND e.sequence > d.position)
          OR EXISTS (SELECT 1 FROM user u, json_each(u.imported) i WHERE u.organization_id = a.organization_id
            AND u.id = ${userId} AND i.key = a.attribute AND i.value ->> 'directoryId' = a.directory_id))`,
  )
  return (found?.rows ?? []).map((row) => ({
    attribute: String(row['attribute']),
    directoryId: String(row['id']),
    directoryName: String(row['name']),
  }))
}
