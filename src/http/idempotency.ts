/**
 * POSTs of the admin API that carry an Idempotency-Key are carried out once: a repeat within a day gives the first answer
 * (after draft-ietf-httpapi-idempotency-key-header).
 */
import type { Context, MiddlewareHandler } from 'hono'

import type { Clock } from '../kernel/clock.ts'
import { isJsonArray, isJsonObject, type Json } from '../kernel/json.ts'
import type { ApiEnv } from './api-context.ts'
import type { Problem } from './problem.ts'
import { problemAnswer } from './problem-response.ts'
import { MAX_BODY_BYTES, readBytes } from './read-body.ts'

/** One use of a key: whose it is, of which request, and when it began. */
interface KeyUse {
  readonly organizationId: string
  readonly adminId: string
  readonly key: string
  readonly requestHash: string
  readonly now: number
}

interface EarlierUse {
  readonly requestHash: string
  /** Null until it has been answered. */
  readonly status: number | null
  /** Null where it cannot be given again. */
  readonly answer: string | null
  readonly resourceId: string | null
  readonly createdAt: number
}

export interface IdempotencyPorts<Db> {
  readonly clock: Clock
  readonly subtle: SubtleCrypto
  readonly claim: (database: Db, use: KeyUse) => Promise<EarlierUse | undefined>
  readonly keep: (
    database: Db,
    use: KeyUse,
    answer: { status: number; text: string | null; resourceId: string | null },
  ) => Promise<void>
  readonly release: (database: Db, use: KeyUse) => Promise<void>
}

/** Up to 200 visible ASCII characters. */
const KEY = /^[\x21-\x7e]{1,200}$/
/** The operator belongs to no organization. */
const OPERATOR = { organizationId: 'operator', adminId: 'operator' }

/** To stand behind `apiAccess`: keys belong to the administrator who sends them. */
export function idempotency<Db>(ports: IdempotencyPorts<Db>): MiddlewareHandler<ApiEnv<Db>> {
  return async function answerOnce(c, next) {
    const key = c.req.method === 'POST' ? c.req.header('Idempotency-Key') : undefined
    if (key === undefined) return next()
    if (!KEY.test(key)) return problemAnswer(c, MALFORMED)
    const requestHash = await hashOf(c, ports.subtle)
    // A body that is too large is refused before anything is done.
    if (requestHash === undefined) return next()
    const { organizationId, adminId } = c.get('admin') ?? OPERATOR
    const use = { organizationId, adminId, key, requestHash, now: ports.clock.now() }
    const earlier = await ports.claim(c.get('database'), use)
    if (earlier !== undefined) return answerAgain(c, earlier, use)
    await next()
    await settle(c, ports, use)
    return undefined
  }
}

async function hashOf(c: Context, subtle: SubtleCrypto): Promise<string | undefined> {
  const body = await readBytes(c.req.raw.clone(), MAX_BODY_BYTES)
  if (body === undefined) return undefined
  const { pathname, search } = new URL(c.req.url)
  const head = new TextEncoder().encode(`${c.req.method} ${pathname}${search}\n`)
  const whole = new Uint8Array(head.length + body.length)
  whole.set(head)
  whole.set(body, head.length)
  const digest = await subtle.digest('SHA-256', whole)
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** Until then, the first request may still be running. */
const RUNNING_MS = 120_000

function answerAgain<Db>(
  c: Context<ApiEnv<Db>>,
  { requestHash, status, answer, resourceId, createdAt }: EarlierUse,
  use: KeyUse,
): Response {
  if (requestHash !== use.requestHash) return problemAnswer(c, { kind: 'keyReused', key: use.key })
  if (status === null) {
    const isRunning = use.now - createdAt < RUNNING_MS
    return problemAnswer(c, { kind: 'conflict', detail: isRunning ? RUNNING : UNANSWERED })
  }
  if (answer === null) {
    const evidence = resourceId === null ? {} : { id: resourceId }
    return problemAnswer(c, { kind: 'conflict', detail: ONCE, evidence })
  }
  const type = status < 400 ? 'application/json' : 'application/problem+json'
  return new Response(answer, {
    status,
    headers: { 'Content-Type': type, 'Cache-Control': 'no-store', 'Idempotent-Replayed': 'true' },
  })
}

/** Keeps what the repeat will be told; what was refused without being tried gives its key back. */
async function settle<Db>(
  c: Context<ApiEnv<Db>>,
  { keep, release }: IdempotencyPorts<Db>,
  use: KeyUse,
): Promise<void> {
  // Nobody knows how far it came: it must not be carried out again under this key.
  if (c.error !== undefined) return
  const { status } = c.res
  const database = c.get('database')
  if (status >= 500 || UNTRIED.has(status)) return release(database, use)
  const text = await c.res.clone().text()
  const body = parsed(text)
  const id = isJsonObject(body) ? body['id'] : undefined
  const resourceId = typeof id === 'string' ? id : null
  const isKept = text.length <= MAX_KEPT && !holdsSecret(body)
  await keep(database, use, { status, text: isKept ? text : null, resourceId })
}

const UNTRIED = new Set([400, 413, 415, 429])
const MAX_KEPT = 500_000

function parsed(text: string): Json {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what JSON.parse gives is JSON
  return text === '' ? null : (JSON.parse(text) as Json)
}

/** Secrets are shown once, under this name, and stored nowhere. */
function holdsSecret(value: Json): boolean {
  if (isJsonArray(value)) return value.some(holdsSecret)
  if (!isJsonObject(value)) return false
  return Object.entries(value).some(([name, inside]) => name === 'secret' || holdsSecret(inside))
}

const MALFORMED: Problem = {
  kind: 'invalid',
  errors: [{ header: 'Idempotency-Key', detail: 'must have 1 to 200 visible ASCII characters' }],
}
const RUNNING =
  'The first request with this Idempotency-Key has not been answered yet. Repeat it in a moment.'
const UNANSWERED =
  'The first request with this Idempotency-Key ended without an answer, so it is not known whether it was carried out. Look whether what you asked for is there; if it is not, ask again with another key.'
const ONCE =
  'The request with this Idempotency-Key was carried out. Its answer cannot be given again, because it held a secret that is shown once, or was very long. If you lost the secret, revoke what was made (see "id") and make another with another key.'
