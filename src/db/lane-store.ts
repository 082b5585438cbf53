import { type SQL, sql } from 'drizzle-orm'

import { type BucketShape, grainOf } from '../kernel/bucket.ts'
import type { Answer } from './client.ts'

/**
 * The write quotas of Graph as rows that every directory in the same tenant or with the same app shares. Lanes and
 * the sweep's scans are the only queries without an organization: a quota is Microsoft's, not a customer's.
 */
export interface Lane {
  readonly key: string
  readonly shape: BucketShape
}

export type LaneScope = 'app_tenant' | 'tenant' | 'app'

/** What a round may write: whole tokens of every lane at once, how long to wait for as many as it wanted, and what is left. */
export interface Grant {
  readonly taken: number
  readonly waitSeconds: number
  readonly left: readonly LaneLevel[]
}

/** How full a lane is, and for how long it is blocked. */
export interface LaneLevel {
  readonly shape: BucketShape
  readonly tokens: number
  readonly blockedSeconds: number
}

export const laneKey = (scope: LaneScope, tenantId: string, clientId: string): string =>
  ({
    app_tenant: `app_tenant:${tenantId}:${clientId}`,
    tenant: `tenant:${tenantId}`,
    app: `app:${clientId}`,
  })[scope]

/** The statement that makes lanes that do not exist yet, full. */
export const openLanes = (lanes: readonly Lane[], now: number): SQL =>
  sql`INSERT INTO lane (key, tokens, refilled_at)
    SELECT n.value ->> 'key', n.value ->> 'capacity', ${now} FROM json_each(${lanesJson(lanes)}) n
    WHERE NOT EXISTS (SELECT 1 FROM lane WHERE key = n.value ->> 'key')`

/**
 * The statements that take up to `wanted` tokens from all the lanes at once: as many as the emptiest has (by the envelope,
 * where that is fewer), none while one is blocked. The arithmetic is that of kernel/bucket.ts; it stands in SQL so that two rounds cannot take one token.
 * The first tells what the second takes: inside one batch nothing comes between them (RETURNING would already see the
 * tokens gone).
 */
export function takeTokens(
  lanes: readonly Lane[],
  wanted: number,
  now: number,
): readonly [tell: SQL, take: SQL] {
  const grants = tellTokens(lanes, wanted, now)
  return [
    grants,
    sql`UPDATE lane SET tokens = g.filled - g.taken, refilled_at = max(refilled_at, ${now})
      FROM (${grants}) g WHERE lane.key = g.key AND g.taken > 0`,
  ]
}

function tellTokens(lanes: readonly Lane[], wanted: number, now: number): SQL {
  const grain = Math.min(...lanes.map(({ shape }) => grainOf(shape)))
  return sql`SELECT key, filled, blocked_until,
      CASE WHEN blocked > ${now} THEN 0 WHEN there < ${wanted} THEN there - there % ${grain} ELSE there END AS taken
    FROM (SELECT *, max(blocked_until) OVER () AS blocked,
        max(0, min(${wanted}, CAST(min(filled) OVER () AS INTEGER))) AS there
      FROM (SELECT l.key, l.blocked_until, min(n.value ->> 'capacity', l.tokens +
          max(0, ${now} - max(l.refilled_at, l.blocked_until)) / 1000.0 * (n.value ->> 'perSecond')) AS filled
        FROM json_each(${lanesJson(lanes)}) n JOIN lane l ON l.key = n.value ->> 'key'))`
}

/** How full the lanes are before anything is taken. */
const readLevels = (answer: Answer, lanes: readonly Lane[], now: number): LaneLevel[] =>
  answer.rows.flatMap((row) => {
    const lane = lanes.find(({ key }) => key === row['key'])
    if (lane === undefined) return []
    const blockedSeconds = Math.max(0, Number(row['blocked_until']) - now) / 1000
    return [{ shape: lane.shape, tokens: Number(row['filled']), blockedSeconds }]
  })

/** Reads the answer of the statement that tells, as what the one that takes has taken. */
export function readGrant(
  answer: Answer,
  lanes: readonly Lane[],
  wanted: number,
  now: number,
): Grant {
  const taken = Number(answer.rows[0]?.['taken'] ?? 0)
  const left = readLevels(answer, lanes, now).map((level) => ({
    ...level,
    tokens: level.tokens - taken,
  }))
  return { taken, left, waitSeconds: taken >= wanted ? 0 : secondsUntil(left, wanted) }
}

/** Seconds until all of the lanes hold `count` tokens; of more than a lane holds, until it is full. */
export const secondsUntil = (levels: readonly LaneLevel[], count: number): number =>
  Math.max(
    0,
    ...levels.map(({ shape, tokens, blockedSeconds }) => {
      const missing = Math.max(0, Math.min(count, shape.capacity) - tokens)
      return blockedSeconds + missing / shape.perSecond
    }),
  )

/** The statement that gives back tokens that were taken and not used. */
export const giveBackTokens = (lanes: readonly Lane[], count: number): SQL =>
  sql`UPDATE lane SET tokens = min(n.value ->> 'capacity', tokens + ${count})
    FROM json_each(${lanesJson(lanes)}) n WHERE lane.key = n.value ->> 'key'`

/** The statement that blocks one lane after a 429 and empties it: Graph counted more than we did. */
export const blockLane = (key: string, until: number): SQL =>
  sql`UPDATE lane SET tokens = 0, blocked_until = max(blocked_until, ${until}) WHERE key = ${key}`

/** The statement that tells until when one of the lanes is blocked: a neighbour may have met a 429 meanwhile. */
export const readBlock = (lanes: readonly Lane[]): SQL =>
  sql`SELECT max(blocked_until) AS until FROM lane
    WHERE key IN (SELECT value ->> 'key' FROM json_each(${lanesJson(lanes)}))`

const lanesJson = (lanes: readonly Lane[]): string =>
  JSON.stringify(lanes.map(({ key, shape }) => ({ key, ...shape })))
