import { queryErrors } from '../errors.ts'
import type { GraphRequest } from '../exchange.ts'

/** The query options of a request. Anything the emulator does not know is refused, never ignored. */
export interface QueryOptions {
  readonly select: readonly string[] | undefined
  readonly filter: string | undefined
  readonly search: string | undefined
  readonly orderby: string | undefined
  readonly expand: string | undefined
  readonly top: number | undefined
  readonly skipToken: string | undefined
  readonly count: boolean
  /** `ConsistencyLevel: eventual`: with `$count=true` it unlocks the advanced queries. */
  readonly eventual: boolean
}

const KNOWN = new Set([
  '$select',
  '$filter',
  '$search',
  '$orderby',
  '$expand',
  '$top',
  '$skiptoken',
  '$count',
  '$format',
])

/** Reads the query options. */
export function readOptions(request: GraphRequest): QueryOptions {
  const query = request.url.searchParams
  for (const name of query.keys())
    if (name.startsWith('$') && !KNOWN.has(name.toLowerCase())) throw queryErrors.unsupported()
  const get = (wanted: string): string | undefined =>
    [...query].find(([name]) => name.toLowerCase() === wanted)?.[1]
  const names = get('$select')
    ?.split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  return {
    select: names?.length ? names : undefined,
    filter: get('$filter'),
    search: get('$search'),
    orderby: get('$orderby'),
    expand: get('$expand'),
    top: readTop(get('$top')),
    skipToken: get('$skiptoken'),
    count: get('$count')?.toLowerCase() === 'true',
    eventual: request.headers.get('consistencylevel')?.toLowerCase() === 'eventual',
  }
}

function readTop(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const top = Number(text)
  if (!Number.isInteger(top) || top < 1 || top > 999) throw queryErrors.pageSize(text)
  return top
}
