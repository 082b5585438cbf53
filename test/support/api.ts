import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { sql } from 'drizzle-orm'

import { createApp } from '../../src/app.ts'
import { connect, type Database, type Meter } from '../../src/db/client.ts'
import { hashToken } from '../../src/db/credential-store.ts'
import { createDeps, type Deps } from '../../src/deps.ts'
import type { JsonObject } from '../../src/kernel/json.ts'
import { type Loose, newId } from './seed.ts'

type Role = 'read_only' | 'manager' | 'administrator' | 'billing_admin'

export const OPERATOR = 'isth_operator_test_00000000000000000000'

interface ApiAnswer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The parsed body; empty when there is none. */
  readonly body: Loose
  readonly cost: Meter
}

export interface ApiClient {
  readonly organizationId: string
  readonly keyId: string
  readonly adminId: string
  readonly key: string
  readonly deps: Deps
  readonly app: ReturnType<typeof createApp>
  /** The lines that were logged, and the organizations that were rung for. */
  readonly lines: JsonObject[]
  readonly rung: string[]
  /** The clock of the gateway. */
  readonly clock: { now: number }
  send(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<ApiAnswer>
  get(path: string): Promise<ApiAnswer>
  post(path: string, body: unknown): Promise<ApiAnswer>
  patch(path: string, body: unknown): Promise<ApiAnswer>
  delete(path: string): Promise<ApiAnswer>
  /** The same organization with another role. */
  as(role: Role): Promise<ApiClient>
}

const isJson = ({ headers }: Response): boolean =>
  /^application\/(?:problem\+)?json/.test(headers.get('Content-Type') ?? '')

interface ClientOptions {
  readonly organizationId?: string
  readonly role?: Role
  readonly expiresAt?: number | null
  readonly clock?: { now: number }
  /** Replaces parts of what the gateway runs on. */
  readonly instead?: Partial<Deps>
}

/** The whole app as an administrator calls it: `api.post('/sources', …)`; of a new organization unless one is given. */
export async function apiClient(options: ClientOptions = {}): Promise<ApiClient> {
  const { role = 'billing_admin', expiresAt = null } = options
  const organizationId = options.organizationId ?? newId('org')
  const clock = options.clock ?? { now: Date.now() }
  const adminId = newId('adm')
  const keyId = newId('key')
  const key = `isth_api_${keyId.slice(4)}`
  await connect(env.DB).run(
    sql`INSERT INTO organization (id, name, settings, created_at)
      VALUES (${organizationId}, 'Test', '{}', ${clock.now}) ON CONFLICT DO NOTHING`,
    sql`INSERT INTO admin (organization_id, id, name, role, created_at)
      VALUES (${organizationId}, ${adminId}, 'Ann Admin', ${role}, ${clock.now})`,
    sql`INSERT INTO api_key (organization_id, id, admin_id, name, secret_hash, prefix, expires_at, created_at)
      VALUES (${organizationId}, ${keyId}, ${adminId}, 'test', ${await hashToken(key)}, ${key.slice(0, 14)},
        ${expiresAt}, ${clock.now})`,
  )
  const lines: JsonObject[] = []
  const rung: string[] = []
  const deps = createDeps(
    { ...env },
    {
      clock: { now: () => clock.now },
      log: (line) => lines.push(line),
      announce: async (organization) => {
        rung.push(organization)
      },
      announceRun: async () => {},
      fetch: () => Promise.reject(new TypeError('no network')),
      ...options.instead,
    },
  )
  let opened: Database | undefined
  const app = createApp({ ...deps, connect: () => (opened = deps.connect()) })
  const send: ApiClient['send'] = async (method, path, body, headers = {}) => {
    const ctx = createExecutionContext()
    const response = await app.request(
      new Request(`https://gateway.test/api/v1${path}`, {
        method,
        headers: {
          Authorization: `Bearer ${key}`,
          'CF-Connecting-IP': '192.0.2.7',
          ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined
          ? {}
          : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
      undefined,
      env,
      ctx,
    )
    const text = await response.text()
    await waitOnExecutionContext(ctx)
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: text !== '' && isJson(response) ? JSON.parse(text) : {},
      cost: opened?.meter ?? { roundTrips: 0, statements: 0, rowsRead: 0, rowsWritten: 0 },
    }
  }
  return {
    organizationId,
    keyId,
    adminId,
    key,
    deps,
    app,
    lines,
    rung,
    clock,
    send,
    get: (path) => send('GET', path),
    post: (path, body) => send('POST', path, body),
    patch: (path, body) => send('PATCH', path, body),
    delete: (path) => send('DELETE', path),
    as: (other) => apiClient({ organizationId, role: other, clock }),
  }
}
