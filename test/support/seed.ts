import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { sql } from 'drizzle-orm'

import { createApp } from '../../src/app.ts'
import { connect, type Database, type Meter } from '../../src/db/client.ts'
import { hashToken } from '../../src/db/credential-store.ts'
import { createDeps, type Deps } from '../../src/deps.ts'
import { makeId, type IdPrefix } from '../../src/kernel/id.ts'
import type { JsonObject } from '../../src/kernel/json.ts'
import type { UsernamePolicy } from '../../src/scim/username.ts'

/** A new id, as the program makes them. */
export const newId = (prefix: IdPrefix): string =>
  makeId(prefix, Date.now(), crypto.getRandomValues(new Uint8Array(10)))

export interface SeededSource {
  readonly organizationId: string
  readonly sourceId: string
  readonly credentialId: string
  readonly token: string
}

/** A source with a bearer token; of a new organization unless one is given. */
export async function seedSource({
  policy = 'any',
  organizationId,
  expiresAt = null,
}: {
  policy?: UsernamePolicy
  organizationId?: string
  expiresAt?: number | null
} = {}): Promise<SeededSource> {
  const seeded = {
    organizationId: organizationId ?? newId('org'),
    sourceId: newId('src'),
    credentialId: newId('cred'),
    token: `isth_scim_${newId('cred').slice(5)}`,
  }
  const now = Date.now()
  await connect(env.DB).run(
    sql`INSERT INTO organization (id, name, settings, created_at)
      VALUES (${seeded.organizationId}, 'Test', '{}', ${now}) ON CONFLICT DO NOTHING`,
    sql`INSERT INTO source (organization_id, id, name, type, username_policy, created_at, modified_at)
      VALUES (${seeded.organizationId}, ${seeded.sourceId}, 'Entra', 'entra', ${policy}, ${now}, ${now})`,
    sql`INSERT INTO source_credential (organization_id, id, source_id, type, name, secret_hash, expires_at, created_at)
      VALUES (${seeded.organizationId}, ${seeded.credentialId}, ${seeded.sourceId}, 'bearer', 'test',
        ${await hashToken(seeded.token)}, ${expiresAt}, ${now})`,
  )
  return seeded
}

// oxlint-disable-next-line typescript/no-explicit-any -- answers are read freely in tests
export type Loose = Record<string, any>

interface ScimAnswer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The parsed body; empty when there is none. */
  readonly body: Loose
  /** What the request asked of D1. */
  readonly cost: Meter
}

export interface ScimClient extends SeededSource {
  readonly deps: Deps
  /** The lines that were logged, and the organizations that were rung for. */
  readonly lines: JsonObject[]
  readonly rung: string[]
  send(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<ScimAnswer>
  get(path: string, headers?: Record<string, string>): Promise<ScimAnswer>
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<ScimAnswer>
  put(path: string, body: unknown, headers?: Record<string, string>): Promise<ScimAnswer>
  patch(path: string, operations: unknown[], headers?: Record<string, string>): Promise<ScimAnswer>
  delete(path: string, headers?: Record<string, string>): Promise<ScimAnswer>
}

/** The whole app as a source calls it: `scim.post('/Users', …)`. `instead` replaces parts of what it runs on. */
export async function scimClient(
  options: Parameters<typeof seedSource>[0] & {
    as?: SeededSource
    instead?: Partial<Deps>
    env?: Record<string, unknown>
  } = {},
): Promise<ScimClient> {
  const source = options.as ?? (await seedSource(options))
  const lines: JsonObject[] = []
  const rung: string[] = []
  const deps = createDeps(
    { ...env, ...options.env },
    {
      log: (line) => lines.push(line),
      announce: async (organizationId) => {
        rung.push(organizationId)
      },
      ...options.instead,
    },
  )
  let opened: Database | undefined
  const counted: Deps = { ...deps, connect: () => (opened = deps.connect()) }
  const app = createApp(counted)

  const send: ScimClient['send'] = async (method, path, body, headers = {}) => {
    const ctx = createExecutionContext()
    const isText = typeof body === 'string' || body instanceof ReadableStream
    const response = await app.request(
      new Request(`https://gateway.test/scim/v2${path}`, {
        method,
        headers: {
          Authorization: `Bearer ${source.token}`,
          ...(body === undefined ? {} : { 'Content-Type': 'application/scim+json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: isText ? body : JSON.stringify(body) }),
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
      body: text === '' ? {} : JSON.parse(text),
      cost: opened?.meter ?? { roundTrips: 0, statements: 0, rowsRead: 0, rowsWritten: 0 },
    }
  }
  return {
    ...source,
    deps,
    lines,
    rung,
    send,
    get: (path, headers) => send('GET', path, undefined, headers),
    post: (path, body, headers) => send('POST', path, body, headers),
    put: (path, body, headers) => send('PUT', path, body, headers),
    patch: (path, operations, headers) =>
      send(
        'PATCH',
        path,
        { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations: operations },
        headers,
      ),
    delete: (path, headers) => send('DELETE', path, undefined, headers),
  }
}

/** The organization's log, oldest first, bodies parsed. */
export async function readLog(organizationId: string): Promise<Loose[]> {
  const [answer] = await connect(env.DB).run(
    sql`SELECT * FROM event WHERE organization_id = ${organizationId} ORDER BY sequence`,
  )
  return (answer?.rows ?? []).map((row) => ({
    ...row,
    touched: typeof row['touched'] === 'string' ? JSON.parse(row['touched']) : null,
    body: JSON.parse(String(row['body'])),
  }))
}
