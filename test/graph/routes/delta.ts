import type { Json } from '../../../src/kernel/json.ts'
import { type DeltaQuery, readDeltaQuery, trackedBy } from '../delta/query.ts'
import { type Row, rowsOf, shownRow } from '../delta/rows.ts'
import type { DeltaSettings } from '../delta/settings.ts'
import { type DeltaToken, type RoundQuery, decodeToken, encodeToken } from '../delta/token.ts'
import { deltaErrors, queryErrors } from '../errors.ts'
import { type Answer, answer, prefers } from '../exchange.ts'
import { chanceOf } from '../random.ts'
import { permissions } from '../permissions.ts'
import { type Context, route } from '../route.ts'
import type { Kind } from '../schema.ts'
import type { Tenant } from '../tenant.ts'

const DAY = 86_400_000
/** Microsoft's promise for directory objects. */
const DELTA_TOKEN_LIFETIME = 7 * DAY
const PAGE_TOKEN_LIFETIME = 10 * 60_000

type PageToken = DeltaToken & { readonly page: NonNullable<DeltaToken['page']> }

const delta =
  (kind: Kind) =>
  (context: Context): Answer => {
    const { tenant, world, request } = context
    const query = readDeltaQuery(request)
    if (query.skipToken !== undefined)
      return page(context, goOnPaging(context, kind, query.skipToken))
    const round = startOf(context, kind, query)
    const to = world.lag.deltaPosition(tenant)
    if (query.deltaToken === 'latest')
      return told(context, round, [], deltaLink(context, round, to))
    return page(context, { ...round, page: { to, offset: 0 } })
  }

/** Where a new page token takes the round up. */
function goOnPaging(context: Context, kind: Kind, text: string): PageToken {
  const { world, tenant } = context
  const token = decodeToken(text, { tenant: tenant.settings.id, kind })
  if (!token.page) throw deltaErrors.badToken()
  checkGeneration(context, token)
  if (world.now() - token.issuedAt > PAGE_TOKEN_LIFETIME) throw queryErrors.expiredPage()
  return { ...token, page: token.page }
}

/** The round that a request begins: from nothing, or from where a delta token left off. */
function startOf(context: Context, kind: Kind, query: DeltaQuery): DeltaToken {
  const { world, tenant } = context
  const text = query.deltaToken ?? ''
  if (text !== '' && text !== 'latest') {
    const token = decodeToken(text, { tenant: tenant.settings.id, kind })
    if (token.page) throw deltaErrors.badToken()
    checkGeneration(context, token)
    if (world.now() - token.issuedAt > DELTA_TOKEN_LIFETIME) throw deltaErrors.expiredToken()
    return token
  }
  const { select, ids } = query
  const { generation } = world.delta
  const round = { tenant: tenant.settings.id, kind, select, ids, generation, from: 0 }
  trackedBy(tenant, round)
  return { ...round, issuedAt: world.now() }
}

function checkGeneration({ world, request }: Context, token: DeltaToken): void {
  if (token.generation === world.delta.generation) return
  const { select } = token
  const again = `?$deltatoken=${select ? `&$select=${select.join(',')}` : ''}`
  throw deltaErrors.resync(`${request.url.origin}${request.url.pathname}${again}`)
}

function page(context: Context, token: PageToken): Answer {
  const { world, tenant } = context
  const { to, offset, isAfterEmpty } = token.page
  const { settings, seed } = world.delta
  const chance = chanceOf(`${seed}/empty/${token.from}/${to}/${offset}`)
  if (!isAfterEmpty && chance < settings.emptyPages) {
    const next = { ...token.page, isAfterEmpty: true }
    return told(context, token, [], nextLink(context, { ...token, page: next }))
  }
  const rows = roundRows(context, token)
  const end = offset + settings.pageSize
  const link =
    end < rows.length
      ? nextLink(context, { ...token, page: { to, offset: end } })
      : deltaLink(context, token, to)
  const isMinimal = prefers(context.request, 'return=minimal')
  const { names } = trackedBy(tenant, token)
  const value = rows.slice(offset, end).map((row) => shownRow(tenant, row, names, isMinimal))
  return told(context, token, value, link, isMinimal)
}

/** The rows of the last round that was paged through, so that a page does not read the whole log again. */
const lastRound = new WeakMap<Tenant, { name: string; settings: DeltaSettings; rows: Row[] }>()

function roundRows({ world, tenant }: Context, { page: { to }, ...token }: PageToken): Row[] {
  const { kind, select, ids, from } = token
  const { settings } = world.delta
  const name = JSON.stringify([kind, select, ids, from, to])
  const kept = lastRound.get(tenant)
  if (kept?.name === name && kept.settings === settings) return kept.rows
  const window = { kind, from, to, ...trackedBy(tenant, token) }
  const all = rowsOf(tenant, world.delta, window)
  const rows = ids ? all.filter((row) => ids.includes(row.id)) : all
  lastRound.set(tenant, { name, settings, rows })
  return rows
}

type Link = Readonly<Record<string, string>>

const nextLink = (context: Context, token: PageToken): Link => ({
  '@odata.nextLink': address(context, 'skiptoken', { ...token, issuedAt: context.world.now() }),
})

function deltaLink(context: Context, round: RoundQuery, to: number): Link {
  const { tenant, kind, select, ids } = round
  const {
    now,
    delta: { generation },
  } = context.world
  const token = { tenant, kind, select, ids, generation, from: to, issuedAt: now() }
  return { '@odata.deltaLink': address(context, 'deltatoken', token) }
}

const address = ({ request: { url } }: Context, name: string, token: DeltaToken): string =>
  `${url.origin}${url.pathname}?$${name}=${encodeToken(token)}`

function told(
  { request }: Context,
  { kind, select }: RoundQuery,
  value: Json[],
  link: Link,
  isMinimal = false,
): Answer {
  const context = `${request.url.origin}/v1.0/$metadata#${kind}s${select ? `(${select.join(',')})` : ''}`
  const headers: Record<string, string> = isMinimal
    ? { 'Preference-Applied': 'return=minimal' }
    : {}
  return answer(200, { '@odata.context': context, ...link, value }, headers)
}

export const deltaRoutes = [
  'delta',
  'delta()',
  'microsoft.graph.delta',
  'microsoft.graph.delta()',
].flatMap((name) => [
  route(`GET /users/${name}`, 'user.delta', permissions.readUsers, delta('user')),
  route(`GET /groups/${name}`, 'group.delta', permissions.readGroups, delta('group')),
])
