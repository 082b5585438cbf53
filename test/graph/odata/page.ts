import type { Json, JsonObject } from '../../../src/kernel/json.ts'
import type { DirectoryObject } from '../changes.ts'
import { queryErrors } from '../errors.ts'
import { type Answer, type GraphRequest, answer } from '../exchange.ts'
import { type QueryOptions, readOptions } from './options.ts'
import { type Filter, parseFilter } from './filter.ts'
import { checkListable, project, readPath, shapeOf, typed } from './project.ts'
import type { Kind } from '../schema.ts'
import type { Directory } from '../directory.ts'

const DEFAULT_PAGE = 100
/** Page tokens live for minutes: a crawl has to keep moving. */
const TOKEN_LIFETIME = 10 * 60_000

/** A collection to list. */
export interface Listing {
  readonly directory: Directory
  readonly now: number
  readonly request: GraphRequest
  readonly kind: Kind
  readonly objects: Iterable<DirectoryObject>
  /** The name in `@odata.context`. */
  readonly context: string
  /** Whether each object tells its type, as in collections of directory objects. */
  readonly isMixed?: boolean
}

/** Answers one page of a collection, filtered and projected as the query options say. */
export function listPage(listing: Listing): Answer {
  const { directory, request, kind, now } = listing
  const options = readOptions(request)
  const shape = shapeOf(directory, kind, options)
  checkListable(shape)
  const filter = readFilter(kind, options)
  const matching = filtered(listing.objects, filter)
  // Users and groups come in order of creation, linked objects in order of linking.
  if (listing.isMixed)
    matching.sort((a, b) => directory.ordinalOf(a.id) - directory.ordinalOf(b.id))
  const start =
    options.skipToken === undefined ? 0 : startAfter(listing, matching, options.skipToken)
  const page = matching.slice(start, start + (options.top ?? DEFAULT_PAGE))
  const last = page.at(-1)
  const hasMore = start + page.length < matching.length
  const body: Record<string, Json> = {
    '@odata.context': contextOf(request, listing.context, options),
  }
  if (options.count && options.eventual) body['@odata.count'] = matching.length
  if (last && hasMore)
    body['@odata.nextLink'] = nextLink(request, directory.ordinalOf(last.id), now)
  body['value'] = page.map((object) => {
    const shown = project(directory, object, { ...shape, kind: object.kind })
    return listing.isMixed ? typed(object, shown) : shown
  })
  return answer(200, body)
}

/** `$metadata#users(id,displayName)/$entity` and the like. */
export function contextOf(
  request: GraphRequest,
  name: string,
  options: QueryOptions,
  suffix = '',
): string {
  const expand = options.expand?.replace(/\(\$select=(.*)\)/, '($1)')
  const selected = [...(options.select ?? []), ...(expand === undefined ? [] : [expand])]
  const list = selected.length > 0 ? `(${selected.join(',')})` : ''
  return `${request.url.origin}/v1.0/$metadata#${name}${list}${suffix}`
}

/** How many objects a filter leaves; without one, all. */
export function countMatching(
  kind: Kind,
  objects: Iterable<DirectoryObject>,
  options: QueryOptions,
): number {
  return filtered(objects, readFilter(kind, { ...options, count: true })).length
}

function readFilter(kind: Kind, options: QueryOptions): Filter | undefined {
  if (options.filter === undefined) return undefined
  const filter = parseFilter(kind, options.filter)
  if (filter.isAdvanced && !(options.eventual && options.count)) throw queryErrors.unsupported()
  return filter
}

function filtered(
  objects: Iterable<DirectoryObject>,
  filter: Filter | undefined,
): DirectoryObject[] {
  const all = [...objects]
  return filter ? all.filter((object) => filter.matches((path) => readPath(object, path))) : all
}

function nextLink(request: GraphRequest, after: number, now: number): string {
  const query = request.url.search
    .slice(1)
    .split('&')
    .filter((pair) => pair !== '' && !/^(\$|%24)skiptoken=/i.test(pair))
  const token = btoa(JSON.stringify({ after, issuedAt: now })).replaceAll('=', '')
  return `${request.url.origin}${request.url.pathname}?${[...query, `$skiptoken=${token}`].join('&')}`
}

/** Where the page after a token starts: tokens name a place in the order of creation, so deletions do not shift it. */
function startAfter(
  { directory, now }: Listing,
  objects: readonly DirectoryObject[],
  token: string,
): number {
  const { after, issuedAt } = readToken(token)
  if (!(now - issuedAt <= TOKEN_LIFETIME)) throw queryErrors.expiredPage()
  const index = objects.findIndex((object) => directory.ordinalOf(object.id) > after)
  return index < 0 ? objects.length : index
}

function readToken(token: string): { after: number; issuedAt: number } {
  try {
    const read: JsonObject = JSON.parse(atob(token))
    return { after: Number(read['after']), issuedAt: Number(read['issuedAt']) }
  } catch {
    throw queryErrors.expiredPage()
  }
}
