/** What a run of reconciliation that enforces wrote, against what it told. */
import { sql } from 'drizzle-orm'

import { isJsonArray, isJsonObject, type Json } from '../../src/kernel/json.ts'
import { ATTRIBUTES } from '../../src/plan/attributes.ts'
import type { JournalRecord } from '../graph/journal.ts'
import type { ExportWorld } from './export.ts'

/** The writes among these requests that the run has not told of, in words. */
export async function untoldWrites(
  world: ExportWorld,
  reconciliationId: string,
  requests: readonly JournalRecord[],
): Promise<string[]> {
  const told = await toldBy(world, reconciliationId)
  return requests.flatMap((request) =>
    writtenBy(request)
      .filter((write) => !told.has(write))
      .map((write) => `${write}: ${request.method} ${request.url} ${JSON.stringify(request.body)}`),
  )
}

/** What the run has told of and none of these requests writes, in words. */
export async function unwrittenTold(
  world: ExportWorld,
  reconciliationId: string,
  requests: readonly JournalRecord[],
): Promise<string[]> {
  const written = new Set(requests.flatMap(writtenBy))
  return [...(await toldBy(world, reconciliationId))].filter((write) => !written.has(write))
}

/** What the run has told to be otherwise than it is to be, in words. */
async function toldBy(
  { query }: ExportWorld,
  reconciliationId: string,
): Promise<ReadonlySet<string>> {
  const rows = await query(sql`SELECT d.graph_id, d.attribute, d.ours, g.graph_id AS group_graph_id
    FROM drift d LEFT JOIN binding g ON g.organization_id = d.organization_id AND g.directory_id = d.directory_id
      AND g.kind = 'group' AND d.attribute = 'members:' || g.resource_id
    WHERE d.reconciliation_id = ${reconciliationId} AND d.direction = 'export' AND d.attribute <> 'deleted'`)
  return new Set(
    rows.map(({ graph_id: id, attribute, ours, group_graph_id: group }) => {
      const value: Json = JSON.parse(String(ours))
      return typeof group === 'string'
        ? said(`member ${String(id)}`, group, value)
        : said(String(attribute), String(id), value)
    }),
  )
}

const said = (what: string, id: string, value: Json | undefined): string =>
  `${what} of ${id}: ${JSON.stringify(value ?? null)}`

/** What a request writes, in the words of `told`. */
function writtenBy({ method, url, body }: JournalRecord): string[] {
  const [, room = '', id = '', part, memberId] = url.replace(/\?.*$/, '').split('/')
  if (method === 'GET' || room === '$batch') return []
  if (part === 'members')
    return [
      said(
        `member ${memberId === '$ref' ? linked(body) : String(memberId)}`,
        id,
        method !== 'DELETE',
      ),
    ]
  if (part === 'revokeSignInSessions') return [said('accountEnabled', id, false)]
  if (part === 'manager') return [said('manager', id, method === 'DELETE' ? null : linked(body))]
  if (method === 'DELETE') return [said('account', id, null)]
  if (method !== 'PATCH' || !isJsonObject(body)) return [`${method} of ${id}`]
  return Object.entries(body).flatMap(([property, value]) => {
    if (property !== 'members@odata.bind') return saidOf(room, id, property, value)
    const links = isJsonArray(value) ? value.map(String) : []
    return links.map((link) => said(`member ${lastOf(link)}`, id, true))
  })
}

const linked = (body: JournalRecord['body']): string =>
  lastOf(String(isJsonObject(body) ? body['@odata.id'] : body))

const lastOf = (link: string): string => link.split('/').at(-1) ?? ''

/** A collection holds one text of ours at most. Of two attributes that one property holds the first: the other one is written as it is. */
function saidOf(room: string, id: string, property: string, value: Json): string[] {
  if (property === 'passwordProfile') return [said('password', id, null)]
  const one = isJsonArray(value) ? value[0] : value
  const named = ATTRIBUTES.find(({ graph }) => room === 'users' && graph === property)
  const name = named?.name ?? property
  return [said(name, id, isJsonObject(one) ? one[name] : one)]
}
