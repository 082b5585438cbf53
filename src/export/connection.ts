/** How one directory is reached: its transport, and the quotas that it shares with others. */
import * as v from 'valibot'

import { type Lane, laneKey, type LaneScope } from '../db/lane-store.ts'
import type { DirectoryRow } from '../db/lease.ts'
import type { ConnectionRefusal } from '../db/refused-connection.ts'
import type { AuthFailure } from '../graph/auth-failure.ts'
import { federatedSubject, type GatewayIssuer } from '../graph/gateway-issuer.ts'
import { isTenantId, tenantOfToken } from '../graph/tenant.ts'
import {
  type Credential,
  createTokenSource,
  type TokenCache,
  type TokenSource,
} from '../graph/token.ts'
import { createTransport, type Transport } from '../graph/transport.ts'
import { bucketShape, type Quota } from '../kernel/bucket.ts'
import type { Clock } from '../kernel/clock.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import type { Sealer } from '../kernel/seal.ts'
import { readSettings } from '../plan/configuration.ts'

export interface GraphPorts {
  readonly fetch: typeof fetch
  readonly clock: Clock
  readonly graphBaseUrl: string
  readonly loginBaseUrl: string
  readonly sealer: Sealer
  readonly issuer: GatewayIssuer | undefined
  readonly tokenCache: TokenCache
  /** Whether the directory may be connected to the tenant that a token tells; what is given says why not. */
  readonly admitTenant: (
    directory: DirectoryRow,
    tenantGuid: string,
  ) => Promise<AuthFailure | undefined>
  /** The published write quotas. */
  readonly quotas: Readonly<Record<LaneScope, Quota>>
}

export interface Connection {
  /** As it was when its credential was opened. */
  readonly directory: DirectoryRow
  readonly transport: Transport
  /** The token that the transport sends. */
  readonly token: () => Promise<Result<string, AuthFailure>>
  readonly lanes: readonly Lane[]
}

type Secret = Exclude<Credential, { type: 'federated' }>

/** The context under which a directory's credential is sealed, so that it opens in no other row and as nothing else. */
export const credentialContext = (
  organizationId: string,
  directoryId: string,
  type: Secret['type'] = 'client_secret',
): string => `${organizationId}/${directoryId}/${type}`

/** A directory's credential as it is stored; null when it holds nothing that has to be kept. */
export async function sealCredential(
  sealer: Sealer,
  organizationId: string,
  directoryId: string,
  credential: Credential,
): Promise<string | null> {
  if (credential.type === 'federated') return null
  const { type } = credential
  const text = type === 'client_secret' ? credential.secret : JSON.stringify(credential)
  return sealer.seal(text, credentialContext(organizationId, directoryId, type))
}

/** Opens the directory's credential; the error is a sentence for its administrator. */
export async function connectDirectory(
  ports: GraphPorts,
  directory: DirectoryRow,
): Promise<Result<Connection, string>> {
  const credential = await openCredential(ports.sealer, directory)
  if (!credential.ok) return credential
  const { fetch, clock, tokenCache: cache } = ports
  const { tenantId, clientId, createdAt } = directory
  const { loginBaseUrl, graphBaseUrl, issuer } = ports
  const tokens = createTokenSource({ fetch, clock, cache, loginBaseUrl, graphBaseUrl, issuer })
  const tokenSource = admitted(tokens, ports, directory)
  const account = { tenantId, clientId, credential: credential.value, connectedAt: createdAt }
  return ok({
    directory,
    transport: createTransport({ fetch, clock, tokenSource, graphBaseUrl, account }),
    token: () => tokenSource.token(account),
    lanes: lanesOf(ports, directory),
  })
}

/** The code of a credential that does not open. */
export const UNREADABLE = 'credential_unreadable'

/** The same, where a credential that is refused for good is told to `note`, whatever it was used for. */
export async function connectNoting(
  ports: GraphPorts,
  directory: DirectoryRow,
  note: (refusal: ConnectionRefusal) => Promise<void>,
): Promise<Result<Connection, string>> {
  const connection = await connectDirectory(ports, directory)
  if (!connection.ok) {
    await note({ code: UNREADABLE, reason: connection.error })
    return connection
  }
  const { transport, token } = connection.value
  const noteFailure = async (failure: AuthFailure) => {
    if (failure.kind !== 'permanent') return
    await note({ code: failure.code, reason: `${failure.message} ${failure.whatToDo}` })
  }
  return ok({
    ...connection.value,
    async token() {
      const given = await token()
      if (!given.ok) await noteFailure(given.error)
      return given
    },
    transport: {
      ...transport,
      async send(request) {
        const answer = await transport.send(request)
        if (answer.kind === 'auth_failed') await noteFailure(answer.failure)
        return answer
      },
    },
  })
}

/**
 * Tokens as long as the directory may be connected to its tenant. A domain may be another name of a tenant that the organization
 * has connected already: nothing is asked of Graph before a token has told which tenant it is.
 */
function admitted(tokens: TokenSource, ports: GraphPorts, directory: DirectoryRow): TokenSource {
  let isKnown = directory.tenantGuid !== null || isTenantId(directory.tenantId)
  return {
    ...tokens,
    async token(account, signal) {
      const token = await tokens.token(account, signal)
      if (isKnown || !token.ok) return token
      const tenant = tenantOfToken(token.value)
      const refusal = tenant && (await ports.admitTenant(directory, tenant))
      if (refusal) return err(refusal)
      isKnown = true
      return token
    },
  }
}

async function openCredential(
  sealer: Sealer,
  directory: DirectoryRow,
): Promise<Result<Credential, string>> {
  const { organizationId, id, credentialType: type, credential: sealed } = directory
  if (type === 'federated') return ok({ type, subject: federatedSubject(id) })
  const context = credentialContext(organizationId, id, type)
  const opened = await sealer.open(sealed ?? '', context)
  if (!opened.ok) return err(`${NAMES[type]} cannot be read: ${opened.error.message}. ${AGAIN}`)
  return ok(type === 'client_secret' ? { type, secret: opened.value } : readStored(opened.value))
}

const NAMES = {
  client_secret: 'The stored client secret',
  certificate: 'The stored certificate',
} as const
const AGAIN = 'Enter it again.'

const storedCertificate = v.object({
  type: v.literal('certificate'),
  certificate: v.string(),
  privateKey: v.string(),
})

/** What does not parse was not sealed by `sealCredential`: a bug. */
const readStored = (text: string): Credential => v.parse(storedCertificate, JSON.parse(text))

/** One app in one tenant, the tenant, and the app in all tenants: a write counts against all three. */
function lanesOf({ quotas }: GraphPorts, directory: DirectoryRow): Lane[] {
  const percent = readSettings(directory.settings).writeQuotaPercent
  const scopes: readonly LaneScope[] = ['app_tenant', 'tenant', 'app']
  return scopes.map((scope) => ({
    key: laneKey(scope, directory.tenantId, directory.clientId),
    shape: bucketShape(quotas[scope], percent),
  }))
}
