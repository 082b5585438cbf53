import type { Json } from '../../../src/kernel/json.ts'
import type { DirectoryObject } from '../changes.ts'
import { queryErrors } from '../errors.ts'
import { type Answer, type GraphRequest, answer } from '../exchange.ts'
import { type QueryOptions, readOptions } from './options.ts'
import { parseFilter } from './filter.ts'
import { type Order, type Place, comparePlaces, parseOrder, sortKey } from './order.ts'
import { nextLink, readPageToken } from './page-token.ts'
import { parseSearch } from './search.ts'
import { checkListable, project, readPath, shapeOf, typed } from './project.ts'
import type { Kind } from '../schema.ts'
import type { Directory } from '../directory.ts'

const DEFAULT_PAGE = 100

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
  const order = readOrder(kind, options)
  const found = placed(listing, readTest(kind, options), order)
  const start =
    options.skipToken === undefined
      ? 0
      : startAfter(found, order, readPageToken(options.skipToken, now))
  const page = found.slice(start, start + (options.top ?? DEFAULT_PAGE))
  const last = page.at(-1)
  const hasMore = start + page.length < found.length
  const body: Record<string, Json> = {
    '@odata.context': contextOf(request, listing.context, options),
  }
  if (options.count && options.eventual) body['@odata.count'] = found.length
  if (last && hasMore)
    body['@odata.nextLink'] = nextLink(request, { key: last.key, ordinal: last.ordinal }, now)
  body['value'] = page.map(({ object }) => {
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

/** How many objects a filter and a search leave; without them, all. */
export function countMatching(
  kind: Kind,
  objects: Iterable<DirectoryObject>,
  options: QueryOptions,
): number {
  const test = readTest(kind, { ...options, count: true })
  return [...objects].filter(test).length
}

/** The objects that pass, each with its place: in order of creation, unless they are to be sorted. */
function placed(
  { directory, objects, isMixed }: Listing,
  test: Test,
  order: Order | undefined,
): Placed[] {
  const found = [...objects].filter(test).map((object) => ({
    object,
    key: sortKey(object, order),
    ordinal: directory.ordinalOf(object.id),
  }))
  // Linked objects come in order of linking, all others in order of creation already.
  return order || isMixed ? found.toSorted((a, b) => comparePlaces(a, b, order)) : found
}

interface Placed extends Place {
  readonly object: DirectoryObject
}

type Test = (object: DirectoryObject) => boolean

/** What `$filter` and `$search` leave. */
function readTest(kind: Kind, options: QueryOptions): Test {
  const search = readSearch(kind, options)
  if (options.filter === undefined) return search
  const filter = parseFilter(kind, options.filter)
  if (filter.isAdvanced && !isAdvanced(options)) throw queryErrors.unsupported()
  return (object) => search(object) && filter.matches((path) => readPath(object, path))
}

function readSearch(kind: Kind, options: QueryOptions): Test {
  if (options.search === undefined) return () => true
  if (!options.eventual) throw queryErrors.searchHeader()
  return parseSearch(kind, options.search)
}

/** Sorting beside a filter or a search is an advanced query. */
function readOrder(kind: Kind, options: QueryOptions): Order | undefined {
  if (options.orderby === undefined) return undefined
  const isPlain = options.filter === undefined && options.search === undefined
  if (!isPlain && !isAdvanced(options)) throw queryErrors.unsortable()
  return parseOrder(kind, options.orderby)
}

const isAdvanced = ({ eventual, count }: QueryOptions): boolean => eventual && count

function startAfter(found: readonly Placed[], order: Order | undefined, after: Place): number {
  const index = found.findIndex((one) => comparePlaces(one, after, order) > 0)
  return index < 0 ? found.length : index
}
