import { addressErrors } from '../errors.ts'
import { matchPattern, parsePath } from '../path.ts'
import type { Route } from '../route.ts'
import { batchRoutes } from './batch.ts'
import { deletedItemRoutes } from './deleted-items.ts'
import { deltaRoutes } from './delta.ts'
import { directoryObjectRoutes } from './directory-objects.ts'
import { groupRoutes } from './groups.ts'
import { managerRoutes } from './managers.ts'
import { memberRoutes } from './members.ts'
import { membershipRoutes } from './memberships.ts'
import { organizationRoutes } from './organization.ts'
import { userRoutes } from './users.ts'

/** Every operation of the emulator. Names stand before parameters: `/users/delta` is no user. */
const routes: readonly Route[] = [
  ...batchRoutes,
  ...deltaRoutes,
  ...userRoutes,
  ...managerRoutes,
  ...groupRoutes,
  ...memberRoutes,
  ...membershipRoutes,
  ...deletedItemRoutes,
  ...organizationRoutes,
  ...directoryObjectRoutes,
]

export interface Found {
  readonly route: Route
  readonly params: Readonly<Record<string, string>>
}

/** The operation of an address, or the service's error for one that does not exist. */
export function findRoute(method: string, path: string): Found {
  const segments = parsePath(path)
  if (!segments) throw addressErrors.unknownSegment(path)
  const exists = routes.map((one) => ({ one, ...matchPattern(one.pattern, segments) }))
  const fitting = exists.filter((match) => match.params !== undefined)
  const found = fitting.find((match) => match.one.method === method)
  if (found?.params) return { route: found.one, params: found.params }
  if (fitting.length > 0) throw addressErrors.wrongMethod()
  const furthest = Math.max(...exists.map((match) => match.matched))
  throw addressErrors.unknownSegment(segments[furthest]?.text ?? '')
}
