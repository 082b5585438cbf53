import type { Caller } from '../access.ts'
import { accessErrors } from '../errors.ts'
import type { AppSettings, DirectoryRole } from '../settings.ts'
import type { Tenant } from '../tenant.ts'
import type { World } from '../world.ts'

/** What an access token says. It carries everything, so that it outlives a restart of the emulator. */
interface Claims {
  readonly tid: string
  readonly appid: string
  readonly roles: readonly string[]
  readonly nbf: number
  readonly exp: number
  /** The emulator's own: tokens of an older generation were revoked. */
  readonly generation: number
}

/** Entra's ids of its built-in roles (https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference). */
const ROLE_TEMPLATES: Readonly<Record<DirectoryRole, string>> = {
  'User Administrator': 'fe930be7-5e62-47db-91af-98c3a49a38b1',
  'Privileged Authentication Administrator': '7be44c8a-adaf-4e2a-84d6-ab2649e08a13',
  'Global Administrator': '62e90394-69f5-4237-9190-012177145e10',
}

/** An access token of an application, a JWT in shape. */
export function makeAccessToken(world: World, { settings }: Tenant, app: AppSettings): string {
  const issued = Math.floor(world.now() / 1000)
  const claims: Claims & Record<string, unknown> = {
    aud: 'https://graph.microsoft.com',
    iss: `https://sts.windows.net/${settings.id}/`,
    iat: issued,
    nbf: issued,
    exp: issued + world.tokenLifetimeSeconds,
    appid: app.clientId,
    idtyp: 'app',
    roles: app.roles,
    wids: (app.directoryRoles ?? []).map((role) => ROLE_TEMPLATES[role]),
    tid: settings.id,
    generation: world.tokenGeneration,
  }
  return `${encode({ typ: 'JWT', alg: 'none' })}.${encode(claims)}.emulator`
}

/** The caller behind an `Authorization` header, or the service's 401. */
export function readCaller(world: World, header: string | null): Caller {
  const token = /^Bearer\s+(\S+)$/i.exec(header ?? '')?.[1]
  if (token === undefined) throw accessErrors.badToken('Access token is empty.')
  const claims = readClaims(token)
  if (!claims)
    throw accessErrors.badToken('IDX14100: JWT is not well formed, there are no dots (.).')
  const now = world.now() / 1000
  if (claims.exp <= now || claims.generation !== world.tokenGeneration)
    throw accessErrors.badToken('Lifetime validation failed, the token is expired.')
  const tenant = world.tenants.get(claims.tid)
  const app = tenant?.app(claims.appid)
  if (!tenant || !app || app.isDisabled) throw accessErrors.unknownCaller()
  return { tenant, app, roles: claims.roles }
}

function readClaims(token: string): Claims | undefined {
  const [, payload, signature] = token.split('.')
  if (!payload || signature !== 'emulator') return undefined
  try {
    return JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/')))
  } catch {
    return undefined
  }
}

const encode = (value: object): string =>
  btoa(JSON.stringify(value)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
