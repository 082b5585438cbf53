/**
 * Graph's delta query over users (https://learn.microsoft.com/graph/delta-query-users): first every user, page by page, and
 * a link at the end; from that link on only who changed since. Pure: requests and the reading of answers.
 */
import { isJsonArray, isJsonObject, type Json, type JsonObject } from '../kernel/json.ts'
import type { GraphRequest } from '../plan/requests.ts'

/** A user on a page. The same user may stand on several pages; what is told last counts. */
export interface DeltaUser {
  readonly id: string
  /** `changed`: it is in the recycle bin; `deleted`: gone for good. */
  readonly removed: 'changed' | 'deleted' | null
  readonly properties: JsonObject
  /** The manager's Graph id, null for none; undefined when nothing is said of it. */
  readonly manager: string | null | undefined
}

export interface DeltaPage {
  readonly users: readonly DeltaUser[]
  /** A page has one of both: the next page, or the link from which Graph tells what changes from now on. */
  readonly nextLink: string | null
  readonly deltaLink: string | null
}

/** What is read in the background gives way to what people wait for. */
export const LOW_PRIORITY = { 'x-ms-throttle-priority': 'low' }

/** Begins a comparison of every user; the selected properties are those of every later page and link. */
export const allUsers = (select: readonly string[]): GraphRequest => ({
  method: 'GET',
  url: `/users/delta?$select=${select.join(',')}`,
  headers: LOW_PRIORITY,
})

/** Follows a link that Graph gave. */
export const followLink = (link: string): GraphRequest => ({
  method: 'GET',
  url: link,
  headers: LOW_PRIORITY,
})

/** Reads a page; undefined when it is none. A user that stands on it twice is one, its later properties win. */
export function readDeltaPage(body: Json | undefined): DeltaPage | undefined {
  if (!isJsonObject(body) || !isJsonArray(body['value'])) return undefined
  const users = new Map<string, DeltaUser>()
  for (const item of body['value']) {
    const user = readUser(item)
    if (user !== undefined) users.set(user.id, merged(users.get(user.id), user))
  }
  const nextLink = linkOf(body, '@odata.nextLink')
  const deltaLink = linkOf(body, '@odata.deltaLink')
  if (nextLink === null && deltaLink === null) return undefined
  return { users: [...users.values()], nextLink, deltaLink }
}

/** A link of a page; null when it has none of that name. */
export const linkOf = (body: JsonObject, name: string): string | null => {
  const link = body[name]
  return typeof link === 'string' && link !== '' ? link : null
}

function readUser(item: Json): DeltaUser | undefined {
  if (!isJsonObject(item) || typeof item['id'] !== 'string') return undefined
  const removed = item['@removed']
  const properties = Object.entries(item).filter(([name]) => !name.includes('@'))
  return {
    id: item['id'],
    removed: isJsonObject(removed) ? (isGone(removed) ? 'deleted' : 'changed') : null,
    properties: Object.fromEntries(properties),
    manager: readManager(item['manager@delta']),
  }
}

const isGone = (removed: JsonObject): boolean => removed['reason'] === 'deleted'

/** A change of manager is told as the link that came and the one that went, in any order. */
function readManager(links: Json | undefined): string | null | undefined {
  if (!isJsonArray(links)) return undefined
  const added = links.find((link) => isJsonObject(link) && link['@removed'] === undefined)
  return isJsonObject(added) && typeof added['id'] === 'string' ? added['id'] : null
}

/** A user that was removed and stands on the page again is restored, as a new instance. */
function merged(before: DeltaUser | undefined, after: DeltaUser): DeltaUser {
  if (before === undefined || before.removed !== null || after.removed !== null) return after
  return {
    ...after,
    properties: { ...before.properties, ...after.properties },
    manager: after.manager === undefined ? before.manager : after.manager,
  }
}
