import type { Caller } from './access.ts'
import type { Directory } from './directory.ts'
import type { Answer, GraphRequest } from './exchange.ts'
import type { Tenant } from './tenant.ts'
import type { World } from './world.ts'

/** What a handler works with. */
export interface Context {
  readonly world: World
  readonly tenant: Tenant
  /** Where reads go and references are resolved: the tenant itself, or with a lag the tenant as it was a while ago. */
  readonly replica: Directory
  readonly caller: Caller
  readonly request: GraphRequest
  readonly params: Readonly<Record<string, string>>
  /** Carries out another request for the same caller, as a batch does with those inside. */
  readonly perform: (request: GraphRequest) => Promise<Answer>
}

/** One operation of the service. */
export interface Route {
  readonly method: string
  /** Segments; `{name}` takes any value. */
  readonly pattern: readonly string[]
  /** Its name in the counters. */
  readonly kind: string
  /** Application permissions of which one is needed. */
  readonly roles: readonly string[]
  /** Resource units before modifiers. */
  readonly units: number
  readonly handle: (context: Context) => Answer | Promise<Answer>
}

/** Declares an operation, such as `route('GET /users/{id}', 'user.get', READ_USERS, getUser)`. */
export function route(
  operation: `${'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE'} /${string}`,
  kind: string,
  roles: readonly string[],
  handle: Route['handle'],
  units = 1,
): Route {
  const [method = '', path = ''] = operation.split(' ')
  return { method, pattern: path.slice(1).split('/'), kind, roles, units, handle }
}
