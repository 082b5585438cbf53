/** Who is here already of those that an import is about. */
import { sql } from 'drizzle-orm'

import type { Here } from '../plan/candidate.ts'
import { isFormerHolder } from './bound-accounts.ts'
import { type Answer, type Database } from './client.ts'

interface Asked {
  readonly organizationId: string
  readonly directoryId: string
  readonly graphIds: readonly string[]
  /** Folded. */
  readonly usernames: readonly string[]
  readonly emails: readonly string[]
}

/** The users who have these names and addresses, with the accounts of the directory that they are bound to, or are bound to these accounts. One round trip. */
export async function readHere(database: Database, asked: Asked): Promise<Here> {
  const { organizationId, directoryId } = asked
  const mine = sql`organization_id = ${organizationId}`
  const among = (values: readonly string[]) =>
    sql`(SELECT value FROM json_each(${JSON.stringify(values)}))`
  const byUsername = sql`SELECT user_name_key AS key, id FROM user WHERE ${mine} AND user_name_key IN ${among(asked.usernames)}
    UNION ALL SELECT username_key, id FROM user WHERE ${mine} AND username_key IN ${among(asked.usernames)}`
  const byEmail = sql`SELECT email_key AS key, id FROM user WHERE ${mine} AND email_key IN ${among(asked.emails)}`
  const [usernames, emails, bound, accounts] = await database.run(
    byUsername,
    byEmail,
    sql`SELECT resource_id AS key, graph_id AS id FROM binding WHERE ${mine} AND directory_id = ${directoryId}
      AND kind = 'user' AND graph_id IS NOT NULL AND state <> 'former'
      AND resource_id IN (SELECT id FROM (${byUsername} UNION ALL ${byEmail}))`,
    sql`SELECT graph_id AS key, resource_id AS id, ${isFormerHolder} AS is_former FROM binding INDEXED BY binding_by_graph_id
      WHERE ${mine} AND directory_id = ${directoryId} AND graph_id IS NOT NULL AND graph_id IN ${among(asked.graphIds)}`,
  )
  const accountsOf = (isFormer: 0 | 1) =>
    byKey(accounts?.rows.filter((row) => row['is_former'] === isFormer))
  return {
    usernames: byKey(usernames?.rows),
    emails: byKey(emails?.rows),
    bound: byKey(bound?.rows),
    accounts: accountsOf(0),
    former: accountsOf(1),
  }
}

const byKey = (rows: Answer['rows'] = []): ReadonlyMap<string, string> =>
  new Map(rows.map(({ key, id }) => [String(key), String(id)]))
