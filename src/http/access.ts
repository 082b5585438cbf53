/**
 * Who may do what in the admin API: one table from route to the least role. A route without a row cannot be reached, a
 * path without a row does not exist; so a new route begins here.
 */

/** From the least to the most: each role may do what those before it may. */
export const ROLES = ['read_only', 'manager', 'administrator', 'billing_admin'] as const
export type Role = (typeof ROLES)[number]

/** What each role is for: each may do what those before it may. */
const ROLE_MEANINGS: Readonly<Record<Role, string>> = {
  read_only: 'sees everything, and changes nothing',
  manager:
    'also changes users, groups, bindings, directions of attributes, and sources with their credentials',
  administrator:
    'also connects directories, changes their settings and secrets, starts and decides reconciliations, replays failures, and approves or rejects what is held',
  billing_admin:
    'also changes administrators, their API keys, and the organization; there is always one',
}

/** The roles as a list in Markdown. */
export const ROLES_EXPLAINED: string = ROLES.map(
  (role) => `- \`${role}\`: ${ROLE_MEANINGS[role]}`,
).join('\n')

/** `operator` is whoever runs the deployment and belongs to no organization; `public` is anybody. */
export type Access = Role | 'operator' | 'public'

/** `read_only`: every GET; the routes are those of contract section 5, under `/api/v1`. */
export const API_ROUTES = {
  'GET /openapi.json': 'public',
  'GET /docs': 'public',

  'POST /organizations': 'operator',
  'GET /organization': 'read_only',
  'PATCH /organization': 'billing_admin',

  'GET /admins': 'read_only',
  'POST /admins': 'billing_admin',
  'PATCH /admins/:id': 'billing_admin',
  'DELETE /admins/:id': 'billing_admin',
  'GET /api-keys': 'read_only',
  'POST /api-keys': 'billing_admin',
  'DELETE /api-keys/:id': 'billing_admin',

  'GET /sources': 'read_only',
  'POST /sources': 'manager',
  'GET /sources/:id': 'read_only',
  'PATCH /sources/:id': 'manager',
  'DELETE /sources/:id': 'manager',
  'GET /sources/:id/quirks': 'read_only',
  'POST /sources/:id/credentials': 'manager',
  'DELETE /sources/:id/credentials/:credentialId': 'manager',

  'GET /directories': 'read_only',
  'POST /directories': 'administrator',
  'GET /directories/:id': 'read_only',
  'PATCH /directories/:id': 'administrator',
  'DELETE /directories/:id': 'administrator',
  'POST /directories/:id/test': 'administrator',
  'GET /directories/:id/attributes': 'read_only',
  'PATCH /directories/:id/attributes': 'manager',
  'GET /directories/:id/status': 'read_only',
  'GET /directories/:id/bindings': 'read_only',
  'POST /directories/:id/bindings': 'manager',
  'DELETE /directories/:id/bindings': 'manager',
  'POST /directories/:id/exports': 'manager',
  'GET /directories/:id/failures': 'read_only',
  'POST /directories/:id/failures/replay': 'administrator',
  'POST /directories/:id/held/approve': 'administrator',
  'POST /directories/:id/held/reject': 'administrator',
  'POST /directories/:id/preview': 'manager',
  'GET /directories/:id/import-candidates': 'read_only',
  'POST /directories/:id/import': 'manager',
  'POST /directories/:id/undo': 'manager',
  'GET /jobs': 'read_only',
  'GET /jobs/:id': 'read_only',
  'GET /directories/:id/reconciliations': 'read_only',
  'POST /directories/:id/reconciliations': 'administrator',
  'GET /reconciliations/:id': 'read_only',
  'GET /reconciliations/:id/drift': 'read_only',
  'POST /reconciliations/:id/approve': 'administrator',
  'POST /reconciliations/:id/reject': 'administrator',

  'GET /users': 'read_only',
  'GET /users/:id': 'read_only',
  'PATCH /users/:id': 'manager',
  'DELETE /users/:id': 'manager',
  'GET /users/:id/events': 'read_only',
  'GET /groups': 'read_only',
  'GET /groups/:id': 'read_only',
  'PATCH /groups/:id': 'manager',
  'DELETE /groups/:id': 'manager',
  'GET /groups/:id/events': 'read_only',

  'GET /events': 'read_only',
  'GET /events/export': 'read_only',
  'GET /metrics': 'read_only',
} as const satisfies Readonly<Record<string, Access>>

export type RouteAccess =
  /** `route`: its row in the table. */
  | { readonly kind: 'known'; readonly route: string; readonly least: Access }
  | { readonly kind: 'otherMethods'; readonly allowed: string }
  | { readonly kind: 'unknown' }

interface Row {
  readonly route: string
  readonly method: string
  readonly path: RegExp
  readonly least: Access
}

const ROWS: readonly Row[] = Object.entries(API_ROUTES).map(([route, least]) => {
  const [method = '', path = ''] = route.split(' ')
  return { route, method, path: new RegExp(`^${path.replace(/:\w+/g, '[^/]+')}$`), least }
})

/** The row of a request; `path` is what follows `/api/v1`. HEAD is a GET whose body nobody wants. */
export function routeAccess(method: string, path: string): RouteAccess {
  const rows = ROWS.filter((row) => row.path.test(path))
  const asked = method === 'HEAD' ? 'GET' : method
  const found = rows.find((row) => row.method === asked)
  if (found !== undefined) return { kind: 'known', route: found.route, least: found.least }
  if (rows.length === 0) return { kind: 'unknown' }
  return { kind: 'otherMethods', allowed: rows.map((row) => row.method).join(', ') }
}

/** Whether a role is at least another. */
export const mayAct = (role: Role, least: Role): boolean =>
  ROLES.indexOf(role) >= ROLES.indexOf(least)
