/** A parameter that a route does not know is a misspelt one: what it was to choose would be ignored, and too much done or shown. */
import type { MiddlewareHandler } from 'hono'

import { routeAccess } from './access.ts'
import type { ApiRoom } from './describe-api.ts'
import { problemAnswer } from './problem-response.ts'

/**
 * Refuses a request with a parameter that its route's description does not name, or that it gives twice: what is meant as a list has
 * commas. Pages that anybody may open take any.
 */
export function closedQueries(base: string, rooms: readonly ApiRoom[]): MiddlewareHandler {
  const known = new Map(
    rooms.flatMap(({ routes }) =>
      Object.entries(routes).map(([route, { query }]) => [
        route,
        Object.keys(query?.entries ?? {}),
      ]),
    ),
  )
  return async function checkQuery(c, next) {
    const access = routeAccess(c.req.method, c.req.path.slice(base.length))
    if (access.kind === 'known' && access.least !== 'public') {
      const names = known.get(access.route) ?? []
      const errors = Object.entries(c.req.queries()).flatMap(([name, values]) => {
        const detail = names.includes(name) ? repeated(values) : unknown(names)
        return detail === undefined ? [] : [{ parameter: name.slice(0, MOST_CHARACTERS), detail }]
      })
      if (errors.length > 0)
        return problemAnswer(c, { kind: 'invalid', errors: errors.slice(0, MOST_TOLD) })
    }
    await next()
    return undefined
  }
}

const unknown = (names: readonly string[]): string =>
  names.length === 0
    ? 'is no parameter of this route, which takes none'
    : `is no parameter of this route, which takes: ${names.join(', ')}`

const repeated = ({ length }: readonly string[]): string | undefined =>
  length > 1 ? `is given ${length} times; give it once` : undefined

const MOST_TOLD = 20
const MOST_CHARACTERS = 100
