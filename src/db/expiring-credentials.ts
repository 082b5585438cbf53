/** Credentials that end soon: their administrators are told 30 days ahead, a week ahead and a day ahead, once each. */
import { type SQL, sql } from 'drizzle-orm'

import { toRfc3339 } from '../kernel/time.ts'
import type { Database } from './client.ts'
import { appendEvents, type NewEvent } from './event-log.ts'

/** How many days ahead they are told. */
const DAYS_AHEAD = [1, 7, 30] as const
const DAY_MS = 86_400_000
/** How many are told at a time; the others follow the next day. */
const MOST = 200

const TYPES = ['directory', 'credential', 'api_key'] as const

interface Expiring {
  readonly organizationId: string
  readonly type: (typeof TYPES)[number]
  readonly id: string
  readonly name: string
  readonly expiresAt: number
  readonly days: number
}

/**
 * Writes an event for every credential of a directory, of a source and of an administrator whose end has come near. A scan
 * without an organization. Gives how many events there were.
 */
export async function tellExpiringCredentials(database: Database, now: number): Promise<number> {
  const [found] = await database.run(
    sql`SELECT c.* FROM (${credentials(now)}) c
      LEFT JOIN credential_notice n ON n.organization_id = c.organization_id AND n.id = c.id
      WHERE n.warned_of IS NULL OR n.warned_of <> c.expires_at OR n.warned_days > c.days
      ORDER BY c.expires_at LIMIT ${MOST}`,
  )
  const expiring = (found?.rows ?? []).map(toExpiring)
  if (expiring.length === 0) return 0
  const answers = await database.run(...expiring.flatMap((item) => tell(item, now)))
  return answers.filter(({ rows }) => rows.length > 0).length
}

/** What is in use and ends within the longest of the times, with the shortest of them that has come. */
function credentials(now: number): SQL {
  const until = (days: number) => now + days * DAY_MS
  const days = (column: SQL) =>
    sql`CASE ${sql.join(
      DAYS_AHEAD.map((ahead) => sql`WHEN ${column} <= ${until(ahead)} THEN ${ahead}`),
      sql` `,
    )} END`
  const ends = (column: SQL) =>
    sql`${column} > ${now} AND ${column} <= ${until(Math.max(...DAYS_AHEAD))}`
  return sql`SELECT organization_id, 'directory' AS type, id, name, credential_expires_at AS expires_at,
        ${days(sql`credential_expires_at`)} AS days
      FROM directory WHERE ${ends(sql`credential_expires_at`)}
    UNION ALL SELECT organization_id, 'credential', id, name, expires_at, ${days(sql`expires_at`)}
      FROM source_credential WHERE revoked_at IS NULL AND ${ends(sql`expires_at`)}
    UNION ALL SELECT organization_id, 'api_key', id, name, expires_at, ${days(sql`expires_at`)}
      FROM api_key WHERE revoked_at IS NULL AND ${ends(sql`expires_at`)}`
}

/** The notice is guarded, so that two runs at once tell once. */
function tell(item: Expiring, now: number): SQL[] {
  const { organizationId, id, expiresAt, days } = item
  return [
    sql`INSERT INTO credential_notice (organization_id, id, warned_of, warned_days)
      VALUES (${organizationId}, ${id}, ${expiresAt}, ${days})
      ON CONFLICT (organization_id, id) DO UPDATE SET
        warned_of = excluded.warned_of, warned_days = excluded.warned_days
      WHERE warned_of IS NULL OR warned_of <> excluded.warned_of OR warned_days > excluded.warned_days`,
    appendEvents(organizationId, [expiringEvent(item, now)], { onlyIfChanged: true }),
  ]
}

const expiringEvent = ({ type, id, name, expiresAt }: Expiring, now: number): NewEvent => ({
  class: 'record',
  type: 'credential_expiring',
  time: now,
  target: { type, id },
  ...(type === 'directory' ? { directoryId: id } : {}),
  actor: { type: 'system', id: null },
  details: {
    name,
    expiresAt: toRfc3339(expiresAt),
    days: Math.ceil((expiresAt - now) / DAY_MS),
  },
})

const toExpiring = (row: Record<string, unknown>): Expiring => ({
  organizationId: String(row['organization_id']),
  type: TYPES.find((type) => type === row['type']) ?? 'credential',
  id: String(row['id']),
  name: String(row['name']),
  expiresAt: Number(row['expires_at']),
  days: Number(row['days']),
})
