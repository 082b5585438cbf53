/**
 * Graph's delta query over groups (https://learn.microsoft.com/graph/delta-query-groups): which of them changed since a link was given,
 * and which members came and went. Pure: requests and the reading of answers.
 */
import { isJsonArray, isJsonObject, type Json, type JsonObject } from '../kernel/json.ts'
import type { GraphRequest } from '../plan/requests.ts'
import { linkOf, LOW_PRIORITY } from './delta.ts'

/** A part of what is told of a group; a large one stands in several parts, on several pages. */
export interface DeltaGroup {
  readonly id: string
  readonly isRemoved: boolean
  /** Undefined when nothing is said of it. */
  readonly displayName: string | undefined
  /** Graph ids of members that are there by now, and of those that are not. */
  readonly added: readonly string[]
  readonly removed: readonly string[]
}

export interface GroupDeltaPage {
  readonly groups: readonly DeltaGroup[]
  /** A page has one of both, as of users. */
  readonly nextLink: string | null
  readonly deltaLink: string | null
}

/** Asks for the link from which Graph tells what changes of groups from now on, and for none of them. */
export const groupsFromNow = (): GraphRequest => ({
  method: 'GET',
  url: '/groups/delta?$select=displayName,members&$deltatoken=latest',
  headers: LOW_PRIORITY,
})

/** Reads a page; undefined when it is none. */
export function readGroupDelta(body: Json | undefined): GroupDeltaPage | undefined {
  if (!isJsonObject(body) || !isJsonArray(body['value'])) return undefined
  const nextLink = linkOf(body, '@odata.nextLink')
  const deltaLink = linkOf(body, '@odata.deltaLink')
  if (nextLink === null && deltaLink === null) return undefined
  return { groups: body['value'].flatMap(readGroup), nextLink, deltaLink }
}

function readGroup(item: Json): readonly DeltaGroup[] {
  if (!isJsonObject(item) || typeof item['id'] !== 'string') return []
  const { id, displayName } = item
  const links = isJsonArray(item['members@delta']) ? item['members@delta'] : []
  const members = links.filter((link) => isJsonObject(link))
  return [
    {
      id,
      isRemoved: isRemoved(item),
      displayName: typeof displayName === 'string' ? displayName : undefined,
      added: idsOf(members.filter((link) => !isRemoved(link))),
      removed: idsOf(members.filter(isRemoved)),
    },
  ]
}

const isRemoved = (item: JsonObject): boolean => isJsonObject(item['@removed'])

const idsOf = (links: readonly JsonObject[]): readonly string[] =>
  links.flatMap(({ id }) => (typeof id === 'string' ? id : []))
