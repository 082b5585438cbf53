/** A page of Graph's list of users (https://learn.microsoft.com/graph/paging). Pure. */
import { isJsonArray, isJsonObject, type Json } from '../kernel/json.ts'
import { SKIP_TOKEN } from '../plan/requests.ts'

export interface UserPage {
  readonly users: readonly Json[]
  /** Where the next page begins, as Graph spells it; null on the last page. */
  readonly nextToken: string | null
}

/** Reads a page; undefined when it is none, or when it names no next page that could be asked for. */
export function readUserPage(body: Json | undefined): UserPage | undefined {
  if (!isJsonObject(body) || !isJsonArray(body['value'])) return undefined
  const link = body['@odata.nextLink']
  if (link === undefined || link === null) return { users: body['value'], nextToken: null }
  const nextToken = typeof link === 'string' ? tokenIn(link) : undefined
  return nextToken === undefined ? undefined : { users: body['value'], nextToken }
}

/** The token goes back as it came: decoding and encoding it again could change it. */
function tokenIn(link: string): string | undefined {
  const token = /[?&](?:\$|%24)skiptoken=([^&#]+)/i.exec(link)?.[1]
  return token !== undefined && SKIP_TOKEN.test(token) ? token : undefined
}
