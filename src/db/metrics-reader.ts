/** The numbers of one organization, for monitoring. */
import { sql } from 'drizzle-orm'

import type { Database } from './client.ts'
import { type DirectoryStatus, readStatus } from './directory-status.ts'

export interface OrganizationNumbers {
  readonly users: number
  readonly groups: number
  /** The end of the log. */
  readonly sequence: number
  readonly directories: readonly DirectoryStatus[]
}

/** Counts of users and groups, the end of the log, and how far each directory has come; a round trip a directory. */
export async function readNumbers(
  database: Database,
  organizationId: string,
): Promise<OrganizationNumbers> {
  const [counts, directories] = await database.run(
    sql`SELECT user_count, group_count, (SELECT max(sequence) FROM event
      WHERE organization_id = ${organizationId}) AS sequence FROM organization WHERE id = ${organizationId}`,
    sql`SELECT id FROM directory WHERE organization_id = ${organizationId} ORDER BY id`,
  )
  const statuses: DirectoryStatus[] = []
  for (const { id } of directories?.rows ?? []) {
    const status = await readStatus(database, organizationId, String(id))
    if (status !== undefined) statuses.push(status)
  }
  const { user_count: users, group_count: groups, sequence } = counts?.rows[0] ?? {}
  return {
    users: Number(users ?? 0),
    groups: Number(groups ?? 0),
    sequence: Number(sequence ?? 0),
    directories: statuses,
  }
}
