/** What a run of reconciliation that enforces wrote, against what it told. */
import { sql } from 'drizzle-orm'

import { isJsonObject } from '../../src/kernel/json.ts'
import { ATTRIBUTES } from '../../src/plan/attributes.ts'
import type { JournalRecord } from '../graph/journal.ts'
import type { ExportWorld } from './export.ts'

/** The writes among these requests that the run has not told of, in words. */
export async function untoldWrites(
  { query }: ExportWorld,
  reconciliationId: string,
  requests: readonly JournalRecord[],
): Promise<string[]> {
  const rows =
    await query(sql`SELECT d.graph_id, d.attribute, d.theirs, g.graph_id AS group_graph_id
    FROM drift d LEFT JOIN binding g ON g.organization_id = d.organization_id AND g.directory_id = d.directory_id
      AND g.kind = 'group' AND d.attribute = 'members:' || g.resource_id
    WHERE d.reconciliation_id = ${reconciliationId} AND d.direction = 'export'`)
  const told = new Set(
    rows.map(({ graph_id: id, attribute, group_graph_id: group }) =>
      typeof group === 'string'
        ? `member ${String(id)} of ${group}`
        : `${String(attribute)} of ${String(id)}`,
    ),
  )
  return requests.flatMap((request) =>
    writtenBy(request)
      .filter((write) => !told.has(write))
      .map((write) => `${write}: ${request.method} ${request.url} ${JSON.stringify(request.body)}`),
  )
}

/** What a request writes, in the words of `told`. */
function writtenBy({ method, url, body }: JournalRecord): string[] {
  const [, room = '', id = '', part, memberId] = url.replace(/\?.*$/, '').split('/')
  if (method === 'GET' || room === '$batch') return []
  if (part === 'members')
    return [`member ${memberId === '$ref' ? linked(body) : String(memberId)} of ${id}`]
  if (part === 'revokeSignInSessions') return [`accountEnabled of ${id}`]
  if (part === 'manager') return [`manager of ${id}`]
  if (method !== 'PATCH' || !isJsonObject(body)) return [`${method} of ${id}`]
  return Object.entries(body).flatMap(([property, value]) => {
    if (property !== 'members@odata.bind')
      return attributesOf(room, property).map((name) => `${name} of ${id}`)
    const links = Array.isArray(value) ? value.map(String) : []
    return links.map((link) => `member ${lastOf(link)} of ${id}`)
  })
}

const linked = (body: JournalRecord['body']): string =>
  lastOf(String(isJsonObject(body) ? body['@odata.id'] : body))

const lastOf = (link: string): string => link.split('/').at(-1) ?? ''

/** Of two attributes that one property holds the first: the other one is written as it is. */
function attributesOf(room: string, property: string): string[] {
  if (room === 'groups') return [property]
  const names = ATTRIBUTES.filter(({ graph }) => graph === property).map(({ name }) => name)
  return names.length === 0 ? [property] : names.slice(0, 1)
}
