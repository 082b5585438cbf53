import { env } from 'cloudflare:workers'
import { sql } from 'drizzle-orm'

import { connect, type Database } from '../../src/db/client.ts'
import { createDeps, type Deps, type ExportMessage } from '../../src/deps.ts'
import { credentialContext } from '../../src/export/connection.ts'
import { createJobs } from '../../src/jobs.ts'
import type { Json } from '../../src/kernel/json.ts'
import { ATTRIBUTES } from '../../src/plan/attributes.ts'
import { type DirectorySettings, defaultSettings } from '../../src/plan/settings.ts'
import {
  createGraphEmulator,
  DEMO_CLIENT_SECRET,
  demoTenant,
  type EmulatorOptions,
  type GraphEmulator,
} from '../graph/emulator.ts'
import type { DirectoryRole } from '../graph/settings.ts'
import { newId, type ScimClient, scimClient } from './seed.ts'

export interface Rung extends ExportMessage {
  readonly delaySeconds: number
}

/** An organization with a SCIM client and one directory, whose Graph is an emulator in this process. */
export interface ExportWorld {
  readonly scim: ScimClient
  readonly graph: GraphEmulator
  readonly directoryId: string
  /** The directories, the first one included, each with its tenant. */
  readonly directories: readonly { readonly id: string; readonly tenantId: string }[]
  readonly organizationId: string
  /** The clock of gateway and emulator. */
  readonly clock: { now: number }
  /** Bells that the gateway rang and nobody has answered. */
  readonly bells: Rung[]
  /** How long drains slept. */
  readonly slept: number[]
  /** The databases that jobs opened, in order: what they cost. */
  readonly opened: Database[]
  readonly jobs: ReturnType<typeof createJobs>
  /** Answers one bell, whatever it is rung for. */
  answer(bell: ExportMessage): Promise<void>
  /** Answers one bell for the directory. */
  drain(): Promise<void>
  /** Answers every bell, and lets time pass for the delayed ones, until nothing is rung. */
  settle(): Promise<void>
  query(statement: ReturnType<typeof sql>): Promise<readonly Record<string, unknown>[]>
  // oxlint-disable-next-line typescript/no-explicit-any -- a row is looked at by its assertions only
  binding(resourceId: string): Promise<Record<string, any>>
}

export interface WorldOptions {
  /** How many directories the organization has, each in a tenant of its own; default 1. */
  readonly directories?: number
  readonly settings?: Partial<DirectorySettings>
  readonly emulator?: EmulatorOptions
  /** Wraps what carries requests to the emulator. */
  readonly fetch?: (next: (request: Request) => Promise<Response>) => typeof fetch
  readonly instead?: Partial<Deps>
  readonly env?: Record<string, unknown>
  /** Entra roles of the application, in place of those that it has in the demo. */
  readonly directoryRoles?: readonly DirectoryRole[]
}

/** Seeds a directory that binds every new user and group and exports every attribute. */
export async function seedDirectory(
  deps: Deps,
  organizationId: string,
  {
    settings = {},
    tenantId,
    clientId,
  }: { settings?: Partial<DirectorySettings>; tenantId: string; clientId: string },
): Promise<string> {
  const directoryId = newId('dir')
  const secret = await deps.sealer.seal(
    DEMO_CLIENT_SECRET,
    credentialContext(organizationId, directoryId),
  )
  const stored = {
    ...defaultSettings,
    bindNewUsers: { mode: 'all', groupIds: [] },
    bindNewGroups: 'all',
    usageLocation: 'US',
    ...settings,
  }
  const exported = ATTRIBUTES.map(({ name }) => name)
  await connect(env.DB).run(
    sql`INSERT INTO directory (organization_id, id, name, tenant_id, client_id, credential_type, credential,
        settings, state, position, urgent_position, created_at, modified_at)
      SELECT ${organizationId}, ${directoryId}, 'Contoso', ${tenantId}, ${clientId}, 'client_secret',
        ${secret}, ${JSON.stringify(stored)}, 'active', head, head, 0, 0
      FROM (SELECT coalesce(max(sequence), 0) AS head FROM event WHERE organization_id = ${organizationId})`,
    sql`INSERT INTO attribute_direction (organization_id, directory_id, attribute, direction, sequence)
      SELECT ${organizationId}, ${directoryId}, value, 'export', 0 FROM json_each(${JSON.stringify(exported)})`,
  )
  return directoryId
}

/** Makes a world of its own: organization, SCIM client, directory, emulator, clock. */
export async function exportWorld(options: WorldOptions = {}): Promise<ExportWorld> {
  const clock = { now: Date.UTC(2026, 5, 1) }
  // Quota lanes are shared by whoever names the same tenant or app, so each world has its own.
  const clientId = crypto.randomUUID()
  const { directoryRoles } = options
  const held = directoryRoles === undefined ? {} : { directoryRoles }
  const apps = demoTenant.apps.map((app) => ({ ...app, clientId, ...held }))
  const tenants = Array.from({ length: options.directories ?? 1 }, () => ({
    ...demoTenant,
    id: crypto.randomUUID(),
    apps,
  }))
  const graph = createGraphEmulator({
    now: () => clock.now,
    tenants,
    ...options.emulator,
  })
  const bells: Rung[] = []
  const slept: number[] = []
  const opened: Database[] = []
  const queue = {
    send: async (message: ExportMessage, { delaySeconds = 0 }: { delaySeconds?: number } = {}) => {
      // Other tests of the file share the database: their directories may lag too.
      if (message.organizationId === scim.organizationId) bells.push({ ...message, delaySeconds })
    },
  }
  const carry = options.fetch ?? ((next) => (input, init) => next(new Request(input, init)))
  const base = createDeps(
    { ...env, EXPORT_QUEUE: queue, ...options.env },
    {
      clock: { now: () => clock.now },
      log: () => {},
      fetch: carry((request) => graph.fetch(request)),
      sleep: async (milliseconds) => {
        slept.push(milliseconds)
        clock.now += milliseconds
      },
      ...options.instead,
    },
  )
  const deps: Deps = {
    ...base,
    connect: () => {
      const database = base.connect()
      opened.push(database)
      return database
    },
  }
  const { clock: sameClock, randomBytes } = deps
  const scim = await scimClient({ instead: { clock: sameClock, randomBytes } })
  const { organizationId } = scim
  const directories: { id: string; tenantId: string }[] = []
  for (const { id: tenantId } of tenants) {
    const account = { tenantId, clientId, settings: options.settings ?? {} }
    directories.push({ id: await seedDirectory(deps, organizationId, account), tenantId })
  }
  const directoryId = directories[0]?.id ?? ''
  const jobs = createJobs(deps)
  const answer = (bell: ExportMessage) => jobs.queue(batchOf([bell]))
  const query: ExportWorld['query'] = async (statement) =>
    (await connect(env.DB).run(statement))[0]?.rows ?? []
  return {
    scim,
    graph,
    directoryId,
    directories,
    organizationId,
    clock,
    bells,
    slept,
    opened,
    jobs,
    query,
    answer,
    drain: () => answer({ organizationId, directoryId }),
    async settle() {
      await answer({ organizationId, directoryId })
      for (let bell = bells.shift(); bell; bell = bells.shift()) {
        clock.now += bell.delaySeconds * 1000
        await answer(bell)
      }
    },
    async binding(resourceId) {
      const [row] = await query(sql`SELECT * FROM binding WHERE organization_id = ${organizationId}
        AND directory_id = ${directoryId} AND resource_id = ${resourceId}`)
      const parse = (value: unknown): Json => (typeof value === 'string' ? JSON.parse(value) : null)
      return { ...row, snapshot: parse(row?.['snapshot']), error: parse(row?.['error']) }
    },
  }
}

/**
 * Seeds a directory of the world's tenant by another of its names, which is taken for another one: so what both of them send shows
 * in the same journal. Gives its id.
 */
export async function seedTwin(
  { directoryId, organizationId, query }: ExportWorld,
  deps: Deps,
  settings: Partial<DirectorySettings> = {},
): Promise<string> {
  const [row] = await query(sql`SELECT client_id FROM directory WHERE id = ${directoryId}`)
  const account = { tenantId: 'contoso.onmicrosoft.com', clientId: String(row?.['client_id']) }
  const id = await seedDirectory(deps, organizationId, { ...account, settings })
  await query(sql`UPDATE directory SET tenant_guid = 'another' WHERE id = ${id}`)
  return id
}

/** A queue batch as the runtime hands it over. */
export function batchOf(bodies: readonly unknown[], queue = 'isthmus-export'): MessageBatch {
  const messages = bodies.map((body, i) => ({
    id: String(i),
    body,
    attempts: 1,
    timestamp: new Date(0),
    ack: () => {},
    retry: () => {},
  }))
  return {
    queue,
    messages,
    metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } },
    ackAll: () => {},
    retryAll: () => {},
  }
}

/** A user as Entra's default mapping creates it. */
export const newUser = (
  name: string,
  more: Record<string, unknown> = {},
): Record<string, unknown> => ({
  schemas: [
    'urn:ietf:params:scim:schemas:core:2.0:User',
    'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User',
  ],
  userName: `${name}@contoso.com`,
  externalId: name,
  active: true,
  displayName: `${name} Test`,
  name: { givenName: name, familyName: 'Test' },
  emails: [{ type: 'work', primary: true, value: `${name}@contoso.com` }],
  title: 'Engineer',
  ...more,
})
