/** Answers of POSTs that carried an Idempotency-Key, kept for a day. */
import { sql } from 'drizzle-orm'

import { type Database, decode } from './client.ts'
import { idempotencyKey } from './tables/organizations.ts'

const KEPT_MS = 24 * 3_600_000

/** One use of a key. */
export interface KeyUse {
  readonly organizationId: string
  readonly adminId: string
  readonly key: string
  readonly requestHash: string
  /** When it was claimed, which also tells one use of a key from a later one. */
  readonly now: number
}

/** Undefined: the key is the caller's, who is to carry the request out and say what became of it. */
export type EarlierUse = Pick<
  typeof idempotencyKey.$inferSelect,
  'requestHash' | 'status' | 'answer' | 'resourceId' | 'createdAt'
>

/** Takes a key that nobody has used for a day; gives its earlier use otherwise. One round trip. */
export async function claimKey(
  database: Database,
  { organizationId, adminId, key, requestHash, now }: KeyUse,
): Promise<EarlierUse | undefined> {
  const [claimed, found] = await database.run(
    sql`INSERT INTO idempotency_key (organization_id, admin_id, key, request_hash, created_at)
      VALUES (${organizationId}, ${adminId}, ${key}, ${requestHash}, ${now})
      ON CONFLICT (organization_id, admin_id, key) DO UPDATE SET request_hash = excluded.request_hash,
        status = NULL, answer = NULL, resource_id = NULL, created_at = excluded.created_at
      WHERE created_at <= ${now - KEPT_MS}`,
    sql`SELECT * FROM idempotency_key
      WHERE organization_id = ${organizationId} AND admin_id = ${adminId} AND key = ${key}`,
  )
  const [row] = found?.rows ?? []
  return claimed?.changes === 1 || row === undefined ? undefined : decode(idempotencyKey, row)
}

/** Keeps the answer of a request for its repeats; null where it cannot be given again. */
export async function keepAnswer(
  database: Database,
  use: KeyUse,
  answer: {
    readonly status: number
    readonly text: string | null
    readonly resourceId: string | null
  },
): Promise<void> {
  await database.run(
    sql`UPDATE idempotency_key SET status = ${answer.status}, answer = ${answer.text},
        resource_id = ${answer.resourceId} WHERE ${isUse(use)}`,
  )
}

/** Gives a key back: its request was not carried out. */
export async function releaseKey(database: Database, use: KeyUse): Promise<void> {
  await database.run(sql`DELETE FROM idempotency_key WHERE ${isUse(use)}`)
}

const isUse = ({ organizationId, adminId, key, now }: KeyUse) =>
  sql`organization_id = ${organizationId} AND admin_id = ${adminId} AND key = ${key} AND created_at = ${now}`

/** Drops what is older than a day, of every organization; gives its number. */
export async function dropOldKeys(database: Database, now: number): Promise<number> {
  const [dropped] = await database.run(
    sql`DELETE FROM idempotency_key WHERE created_at <= ${now - KEPT_MS}`,
  )
  return dropped?.changes ?? 0
}
