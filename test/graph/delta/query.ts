import type { Relation } from '../changes.ts'
import { addressErrors, deltaErrors, queryErrors } from '../errors.ts'
import type { GraphRequest } from '../exchange.ts'
import { type Kind, defaultSelect, propertyOf } from '../schema.ts'
import type { Tenant } from '../tenant.ts'
import type { RoundQuery } from './token.ts'

/** What a delta request asks: a new round, or to go on from a token. */
export interface DeltaQuery {
  readonly select: readonly string[] | null
  readonly ids: readonly string[] | null
  /** Empty: a first round; `latest`: none, only where to go on from. */
  readonly deltaToken: string | undefined
  readonly skipToken: string | undefined
}

const KNOWN = new Set(['$select', '$filter', '$deltatoken', '$skiptoken'])
const MOST_IDS = 50
const RELATIONS: Record<Kind, readonly Relation[]> = {
  user: ['manager'],
  group: ['members', 'owners'],
}

/** Reads the query of a delta request. `$top`, `$expand` and `$orderby` are not for delta. */
export function readDeltaQuery(request: GraphRequest): DeltaQuery {
  const query = new Map(
    [...request.url.searchParams].map(([name, value]) => [name.toLowerCase(), value]),
  )
  for (const name of query.keys())
    if (name.startsWith('$') && !KNOWN.has(name)) throw queryErrors.unsupported()
  const deltaToken = query.get('$deltatoken')
  const skipToken = query.get('$skiptoken')
  const goesOn = skipToken !== undefined || (deltaToken ?? '') !== ''
  // What a token was issued for is baked into it.
  if (goesOn && deltaToken !== 'latest' && (query.has('$select') || query.has('$filter')))
    throw queryErrors.unsupported()
  const select =
    query
      .get('$select')
      ?.split(',')
      .map((name) => name.trim()) ?? []
  const filter = query.get('$filter')
  return {
    select: select.length > 0 ? select : null,
    ids: filter === undefined ? null : idsIn(filter),
    deltaToken,
    skipToken,
  }
}

/** `id eq '…' or id eq '…'`, the only filter there is. */
function idsIn(filter: string): string[] {
  const ids = filter.split(/\s+or\s+/i).map((clause) => {
    const id = /^\(?\s*id\s+eq\s+'([0-9a-f-]+)'\s*\)?$/i.exec(clause.trim())?.[1]
    if (id === undefined) throw deltaErrors.unsupportedFilter()
    return id.toLowerCase()
  })
  if (ids.length > MOST_IDS) throw deltaErrors.tooManyIds(ids.length)
  return ids
}

/** The properties and relations that a round tracks. */
export function trackedBy(
  tenant: Tenant,
  { kind, select }: Pick<RoundQuery, 'kind' | 'select'>,
): { names: string[]; relations: Relation[] } {
  if (!select)
    return { names: [...defaultSelect[kind]], relations: kind === 'group' ? ['members'] : [] }
  const relations = RELATIONS[kind].filter((relation) => select.includes(relation))
  const names = select.filter((name) => name !== 'id' && !relations.some((one) => one === name))
  for (const name of names) checkTrackable(tenant, kind, name)
  return { names, relations }
}

function checkTrackable(tenant: Tenant, kind: Kind, name: string): void {
  const facts = propertyOf(kind, name)
  if (facts?.sharePoint) throw addressErrors.notSupported()
  if (facts && !facts.navigation) return
  if (tenant.settings.extensionProperties?.includes(name)) return
  throw queryErrors.unknownSelect(name, `microsoft.graph.${kind}`)
}
