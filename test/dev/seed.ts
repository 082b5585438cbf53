/** The rows of the demo organization, as statements: what an operator and an administrator would set up by hand. */
import { createHash } from 'node:crypto'

import type { Result } from '../../src/kernel/result.ts'
import { createSealer } from '../../src/kernel/seal.ts'
import { ENTRA_DEFAULT_ATTRIBUTES } from '../../src/plan/attributes.ts'
import { type DirectorySettings, defaultSettings } from '../../src/plan/settings.ts'
import { DEMO_CLIENT_ID, DEMO_CLIENT_SECRET } from '../graph/demo.ts'
import { DEMO } from './demo-credentials.ts'

export interface Statement {
  readonly sql: string
  readonly params: readonly (string | number | null)[]
}

/** How much of a secret is kept readable, for people to tell keys apart. */
const PREFIX_LENGTH = 14

/** Binds every new user and group: what is provisioned into the demo organization shows in the emulated tenant. */
const settings: DirectorySettings = {
  ...defaultSettings,
  bindNewUsers: { mode: 'all', groupIds: [] },
  bindNewGroups: 'all',
  usageLocation: 'US',
}

const hash = (token: string): string => createHash('sha256').update(token).digest('hex')

type Row = Readonly<Record<string, string | number | null>>

function insert(table: string, row: Row): Statement {
  const names = Object.keys(row)
  const marks = names.map(() => '?').join(', ')
  return {
    sql: `INSERT INTO ${table} (${names.join(', ')}) VALUES (${marks})`,
    params: Object.values(row),
  }
}

/** Everything that the demo organization consists of before anybody is provisioned. */
export async function seedStatements(
  now: number,
  encryptionKey: string,
): Promise<Result<readonly Statement[], string>> {
  const sealer = createSealer({
    subtle: crypto.subtle,
    randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
    keys: { current: encryptionKey },
  })
  if (!sealer.ok) return sealer
  const context = `${DEMO.organization}/${DEMO.directory}/client_secret`
  const credential = await sealer.value.seal(DEMO_CLIENT_SECRET, context)
  return {
    ok: true,
    value: [...organizationRows(now), ...directoryRows(now, credential)],
  }
}

function organizationRows(now: number): readonly Statement[] {
  const organization_id = DEMO.organization
  return [
    insert('organization', {
      id: organization_id,
      name: 'Demo',
      settings: '{}',
      created_at: now,
    }),
    insert('admin', {
      organization_id,
      id: DEMO.admin,
      name: 'Demo administrator',
      role: 'billing_admin',
      created_at: now,
    }),
    insert('api_key', {
      organization_id,
      id: DEMO.apiKeyId,
      admin_id: DEMO.admin,
      name: 'Demo key',
      secret_hash: hash(DEMO.apiKey),
      prefix: DEMO.apiKey.slice(0, PREFIX_LENGTH),
      created_at: now,
    }),
    insert('source', {
      organization_id,
      id: DEMO.source,
      name: 'Entra ID (demo)',
      type: 'entra',
      username_policy: 'any',
      created_at: now,
      modified_at: now,
    }),
    insert('source_credential', {
      organization_id,
      id: DEMO.sourceCredential,
      source_id: DEMO.source,
      type: 'bearer',
      name: 'Demo token',
      secret_hash: hash(DEMO.scimToken),
      prefix: DEMO.scimToken.slice(0, PREFIX_LENGTH),
      created_at: now,
    }),
  ]
}

function directoryRows(now: number, credential: string): readonly Statement[] {
  const organization_id = DEMO.organization
  return [
    insert('directory', {
      organization_id,
      id: DEMO.directory,
      name: 'Contoso',
      tenant_id: DEMO.tenant,
      client_id: DEMO_CLIENT_ID,
      credential_type: 'client_secret',
      credential,
      settings: JSON.stringify(settings),
      state: 'active',
      position: 0,
      urgent_position: 0,
      created_at: now,
      modified_at: now,
    }),
    // The default of usageLocation is of use only where the attribute is exported.
    ...[...ENTRA_DEFAULT_ATTRIBUTES, 'usageLocation'].map((attribute) =>
      insert('attribute_direction', {
        organization_id,
        directory_id: DEMO.directory,
        attribute,
        direction: 'export',
        sequence: 0,
      }),
    ),
  ]
}
