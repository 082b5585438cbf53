import { env } from 'cloudflare:workers'
import { sql } from 'drizzle-orm'

import { connect } from '../../src/db/client.ts'

/**
 * Users straight into the table, `SELECT`ed from a series of numbers `n`: `User<n>@contoso.com` with the address
 * `mail<n>@contoso.com` and the external id `ext-<n>`.
 */
export async function generateUsers(
  organizationId: string,
  from: number,
  count: number,
): Promise<void> {
  const numbers = sql`WITH RECURSIVE series(n) AS (SELECT CAST(${from} AS INTEGER)
    UNION ALL SELECT n + 1 FROM series WHERE n < ${from + count - 1})`
  await connect(env.DB).run(
    sql`${numbers} INSERT INTO user (organization_id, id, user_name_key, email_key, external_id, suspended, password_expired,
        has_password, resource, version, created_at, modified_at)
      SELECT ${organizationId}, printf('usr_%026d', n), 'user' || n || '@contoso.com', 'mail' || n || '@contoso.com', 'ext-' || n,
        n % 10 = 0, 0, 0, json_object('schemas', json_array('urn:ietf:params:scim:schemas:core:2.0:User'),
          'userName', 'User' || n || '@contoso.com', 'externalId', 'ext-' || n, 'title', 'Title ' || (n % 100),
          'displayName', 'User ' || n, 'name', json_object('givenName', 'Given' || n, 'familyName', 'Family'),
          'emails', json_array(json_object('type', 'work', 'primary', json('true'), 'value', 'mail' || n || '@contoso.com'))),
        1, 1767225600000 + n, 1767225600000 + n
      FROM series`,
    sql`UPDATE organization SET user_count = user_count + ${count} WHERE id = ${organizationId}`,
  )
}
