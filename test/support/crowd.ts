/** Makes many users, or a group of many, straight in the database, as they would be had they come in over SCIM. */
import { env } from 'cloudflare:workers'
import { sql } from 'drizzle-orm'

import { connect } from '../../src/db/client.ts'
import { newUser } from './export.ts'
import type { Fleet } from './fleet.ts'
import type { ScimClient } from './seed.ts'

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group'

/**
 * `user1@contoso.com` and so on, each with the event of its creation; with `managed`, the first is everybody's manager.
 * The second comes in over SCIM and the others are its copies.
 */
export async function seedUsers(
  scim: ScimClient,
  count: number,
  { managed = false }: { readonly managed?: boolean } = {},
): Promise<void> {
  const { organizationId } = scim
  const boss = await scim.post('/Users', newUser('user1'))
  if (count < 2) return
  const manager = managed ? { [ENTERPRISE]: { manager: { value: boss.body['id'] } } } : {}
  const first = await scim.post('/Users', newUser('user2', manager))
  const id = String(first.body['id'])
  const copy = (column: string) =>
    sql`replace(replace(${sql.raw(column)}, ${id}, ${id.slice(0, -6)} || printf('%06d', i)), 'user2', 'user' || i)`
  const numbers = sql`WITH RECURSIVE n(i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})`
  await connect(env.DB).run(
    sql`${numbers} INSERT INTO user (organization_id, id, user_name_key, email_key, external_id, suspended,
        password_expired, has_password, resource, source_id, version, created_at, modified_at)
      SELECT organization_id, ${copy('id')}, ${copy('user_name_key')}, ${copy('email_key')}, ${copy('external_id')},
        suspended, password_expired, has_password, ${copy('resource')}, source_id, version, created_at, modified_at
      FROM user, n WHERE organization_id = ${organizationId} AND id = ${id} AND i <= ${count}`,
    sql`${numbers} INSERT INTO event (organization_id, sequence, time, class, type, urgent, target_type, target_id,
        outcome, actor_type, actor_id, body)
      SELECT organization_id, sequence + i - 2, time, class, type, urgent, target_type, ${copy('target_id')},
        outcome, actor_type, actor_id, '{}'
      FROM event, n WHERE organization_id = ${organizationId} AND target_id = ${id} AND i <= ${count}`,
  )
}

/** So many rows one statement makes: their ids travel as one JSON parameter. */
const ROWS_PER_STATEMENT = 10_000

/**
 * A group of users that are all bound already, with accounts in Microsoft 365, and that was bound itself just now: all of its
 * members are still to be compared. Gives the group's id.
 */
export async function seedBoundGroup(
  { scim, graph, directoryIds, tenantIds, time }: Fleet,
  members: number,
): Promise<string> {
  const { organizationId } = scim
  const [directoryId] = directoryIds
  const answer = await scim.post('/Groups', { schemas: [GROUP], displayName: 'Everybody' })
  const groupId = String(answer.body['id'])
  const accounts = graph.seed({ users: members }, tenantIds[0]).users
  const database = connect(env.DB)
  for (let at = 0; at < members; at += ROWS_PER_STATEMENT) {
    const rows = sql`(SELECT printf('usr_%026d', ${at} + key) AS id, value AS graph_id
      FROM json_each(${JSON.stringify(accounts.slice(at, at + ROWS_PER_STATEMENT))}))`
    await database.run(
      sql`INSERT INTO group_member (organization_id, group_id, member_id)
        SELECT ${organizationId}, ${groupId}, id FROM ${rows}`,
      sql`INSERT INTO binding (organization_id, directory_id, kind, resource_id, graph_id, state, reason, snapshot, unknown)
        SELECT ${organizationId}, ${directoryId}, 'user', id, graph_id, 'synced', 'manual', '{}', '[]' FROM ${rows}`,
    )
  }
  await database.run(
    sql`INSERT INTO binding (organization_id, directory_id, kind, resource_id, state, reason, snapshot, unknown,
        due_at, member_cursor)
      VALUES (${organizationId}, ${directoryId}, 'group', ${groupId}, 'pending', 'manual', '{}', '[]', ${time.now()}, '')`,
  )
  return groupId
}
