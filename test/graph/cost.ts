import type { GraphRequest } from './exchange.ts'
import type { Route } from './route.ts'
import type { Charge } from './throttle/throttle.ts'

/** What a request takes from the quotas; an envelope itself and an unknown address nothing. */
export function chargeOf(route: Route | undefined, request: GraphRequest): Charge {
  if (!route || route.kind === 'batch') return { writes: 0, units: 0 }
  return { writes: isWrite(route, request.method) ? 1 : 0, units: unitsOf(route, request) }
}

/** Resource units of a request: the operation's price, less for `$select` and small pages, more for `$expand`. */
function unitsOf(route: Route, request: GraphRequest): number {
  const query = request.url.searchParams
  const top = query.get('$top')
  const less = (query.has('$select') ? 1 : 0) + (top !== null && Number(top) < 20 ? 1 : 0)
  // $select saves 3 of the 5 units of getByIds, and one anywhere else.
  const more =
    (query.has('$expand') ? 1 : 0) -
    (route.kind === 'directoryObject.getByIds' && query.has('$select') ? 2 : 0)
  return Math.max(1, route.units - less + more)
}

/** Every change is one write, however many links it carries; getByIds only looks like one. */
export function isWrite(route: Route, method: string): boolean {
  return method !== 'GET' && route.kind !== 'batch' && route.kind !== 'directoryObject.getByIds'
}
