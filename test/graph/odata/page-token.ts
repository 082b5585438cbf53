import { queryErrors } from '../errors.ts'
import type { GraphRequest } from '../exchange.ts'
import type { Place } from './order.ts'

/** Page tokens live for minutes: a crawl has to keep moving. */
const TOKEN_LIFETIME = 10 * 60_000

interface PageToken {
  /** The last object of the page before: tokens name a place, so deletions do not shift it. */
  readonly after: Place
  readonly issuedAt: number
}

/** The same request for the page after a place. */
export function nextLink(request: GraphRequest, after: Place, now: number): string {
  const query = request.url.search
    .slice(1)
    .split('&')
    .filter((pair) => pair !== '' && !/^(\$|%24)skiptoken=/i.test(pair))
  const token: PageToken = { after, issuedAt: now }
  const text = btoa(encodeURIComponent(JSON.stringify(token))).replaceAll('=', '')
  return `${request.url.origin}${request.url.pathname}?${[...query, `$skiptoken=${text}`].join('&')}`
}

/** The place that a token names, or the service's 400 for one that is too old. */
export function readPageToken(text: string, now: number): Place {
  const token = parsed(text)
  if (!token || !(now - token.issuedAt <= TOKEN_LIFETIME)) throw queryErrors.expiredPage()
  return token.after
}

function parsed(text: string): PageToken | undefined {
  try {
    return JSON.parse(decodeURIComponent(atob(text)))
  } catch {
    return undefined
  }
}
