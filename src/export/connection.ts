/** How one directory is reached: its transport, and the quotas that it shares with others. */
import { type Lane, laneKey, type LaneScope } from '../db/lane-store.ts'
import type { DirectoryRow } from '../db/lease.ts'
import { type Credential, createTokenSource, type TokenCache } from '../graph/token.ts'
import { createTransport, type Transport } from '../graph/transport.ts'
import { bucketShape, type Quota } from '../kernel/bucket.ts'
import type { Clock } from '../kernel/clock.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import type { Sealer } from '../kernel/seal.ts'
import { readSettings } from './configuration.ts'

export interface GraphPorts {
  readonly fetch: typeof fetch
  readonly clock: Clock
  readonly graphBaseUrl: string
  readonly loginBaseUrl: string
  readonly sealer: Sealer
  readonly tokenCache: TokenCache
  /** The published write quotas. */
  readonly quotas: Readonly<Record<LaneScope, Quota>>
}

export interface Connection {
  readonly transport: Transport
  readonly lanes: readonly Lane[]
}

/** The context under which a directory's credential is sealed, so that it opens in no other row. */
export const credentialContext = (organizationId: string, directoryId: string): string =>
  `${organizationId}/${directoryId}/client_secret`

/** Opens the directory's credential; the error is a sentence for its administrator. */
export async function connectDirectory(
  ports: GraphPorts,
  directory: DirectoryRow,
): Promise<Result<Connection, string>> {
  const credential = await openCredential(ports.sealer, directory)
  if (!credential.ok) return credential
  const { fetch, clock, tokenCache: cache } = ports
  const { tenantId, clientId, createdAt } = directory
  const { loginBaseUrl, graphBaseUrl } = ports
  const tokenSource = createTokenSource({ fetch, clock, cache, loginBaseUrl, graphBaseUrl })
  const transport = createTransport({
    fetch,
    clock,
    tokenSource,
    graphBaseUrl,
    account: { tenantId, clientId, credential: credential.value, connectedAt: createdAt },
  })
  return ok({ transport, lanes: lanesOf(ports, directory) })
}

async function openCredential(
  sealer: Sealer,
  directory: DirectoryRow,
): Promise<Result<Credential, string>> {
  if (directory.credentialType !== 'client_secret' || directory.credential === null)
    return err(
      `Credentials of the type "${directory.credentialType}" cannot be used yet. Enter a client secret for this directory.`,
    )
  const context = credentialContext(directory.organizationId, directory.id)
  const secret = await sealer.open(directory.credential, context)
  if (secret.ok) return ok({ type: 'client_secret', secret: secret.value })
  return err(`The stored client secret cannot be read: ${secret.error.message}. Enter it again.`)
}

/** One app in one tenant, the tenant, and the app in all tenants: a write counts against all three. */
function lanesOf({ quotas }: GraphPorts, directory: DirectoryRow): Lane[] {
  const percent = readSettings(directory.settings).writeQuotaPercent
  const scopes: readonly LaneScope[] = ['app_tenant', 'tenant', 'app']
  return scopes.map((scope) => ({
    key: laneKey(scope, directory.tenantId, directory.clientId),
    shape: bucketShape(quotas[scope], percent),
  }))
}
