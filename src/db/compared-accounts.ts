/** What a step of reconciliation compares Graph's users with: bindings by Graph id, and what is imported beside them. */
import { type SQL, sql } from 'drizzle-orm'

import { isJsonArray, isJsonObject, type Json, type JsonObject } from '../kernel/json.ts'
import { type Answer, type Database, decode } from './client.ts'
import { type Lane, readBlock } from './lane-store.ts'
import type { RunKey } from './reconciliation-store.ts'
import type { BindingRow } from './round-store.ts'
import { binding, directory } from './tables/directories.ts'
import { user } from './tables/provisioning.ts'
import { seenAccounts } from './tables/reconciliations.ts'

export interface ComparedAccounts {
  /** By Graph id. */
  readonly bindings: ReadonlyMap<string, BindingRow>
  /** Imported values by user id; users that do not exist are absent. */
  readonly imported: ReadonlyMap<string, JsonObject | null>
  /** Our ids by the Graph ids of managers. */
  readonly managers: ReadonlyMap<string, string>
  /** Users that a drain is writing right now. */
  readonly inFlight: ReadonlySet<string>
  /** Until when a lane is blocked; 0 when none is. */
  readonly blockedUntil: number
}

export interface AccountQuery {
  readonly graphIds: readonly string[]
  /** Whether imported values are compared, which costs a row a user. */
  readonly withImports: boolean
  readonly managerIds: readonly string[]
  readonly lanes: readonly Lane[]
}

/** D1 takes 100 parameters, and every row of a list in JSON counts as one that was read. */
const IDS_PER_STATEMENT = 96

/** Reads it in one round trip. */
export async function readAccounts(
  database: Database,
  key: RunKey,
  { graphIds, withImports, managerIds, lanes }: AccountQuery,
): Promise<ComparedAccounts> {
  const { organizationId, directoryId } = key
  const lists = chunks(graphIds)
  const managerLists = chunks(managerIds)
  const [own, block, ...answers] = await database.run(
    sql`SELECT intent FROM directory WHERE organization_id = ${organizationId} AND id = ${directoryId}`,
    readBlock(lanes),
    ...lists.map((ids) => bindingsOf(key, sql`b.*`, ids)),
    ...managerLists.map((ids) => bindingsOf(key, sql`b.graph_id, b.resource_id`, ids)),
    ...(withImports ? lists.map((ids) => importsOf(key, ids)) : []),
  )
  const [bindings, managers, users] = parts(answers, lists.length, managerLists.length)
  return {
    bindings: new Map(
      bindings
        .map((row) => decode(binding, row))
        .flatMap((row) => (isUser(row) ? [[row.graphId ?? '', row] as const] : [])),
    ),
    managers: new Map(managers.map((row) => [String(row['graph_id']), String(row['resource_id'])])),
    imported: new Map(users.map((row) => [String(row['id']), decode(user, row).imported])),
    inFlight: usersIn(decode(directory, own?.rows[0] ?? {}).intent),
    blockedUntil: Number(block?.rows[0]?.['until'] ?? 0),
  }
}

/** Asked in SQL it would cost a row more: SQLite looks on behind the one that the unique index holds. */
const isUser = ({ kind }: BindingRow): boolean => kind === 'user'

/** The index is named: of a list SQLite thinks that it is worth walking every binding of the directory. */
const bindingsOf = ({ organizationId, directoryId }: RunKey, columns: SQL, ids: SQL): SQL =>
  sql`SELECT ${columns} FROM binding b INDEXED BY binding_by_graph_id
    WHERE b.organization_id = ${organizationId} AND b.directory_id = ${directoryId}
      AND b.graph_id IS NOT NULL AND b.graph_id IN (${ids})`

const importsOf = ({ organizationId, directoryId }: RunKey, ids: SQL): SQL =>
  sql`SELECT u.id, u.imported FROM binding b INDEXED BY binding_by_graph_id
    CROSS JOIN user u ON u.organization_id = b.organization_id AND u.id = b.resource_id
    WHERE b.organization_id = ${organizationId} AND b.directory_id = ${directoryId}
      AND b.graph_id IS NOT NULL AND b.graph_id IN (${ids})`

function chunks(ids: readonly string[]): SQL[] {
  const lists: SQL[] = []
  for (let at = 0; at < ids.length; at += IDS_PER_STATEMENT) {
    const part = ids.slice(at, at + IDS_PER_STATEMENT)
    lists.push(
      sql.join(
        part.map((id) => sql`${id}`),
        sql`, `,
      ),
    )
  }
  return lists
}

type Rows = Answer['rows']

function parts(
  answers: readonly Answer[],
  bindings: number,
  managers: number,
): [bindings: Rows, managers: Rows, users: Rows] {
  const rows = (list: readonly Answer[]) => list.flatMap((answer) => answer.rows)
  const end = bindings + managers
  return [
    rows(answers.slice(0, bindings)),
    rows(answers.slice(bindings, end)),
    rows(answers.slice(end)),
  ]
}

/** The users that an intent names: what Graph holds of them may be newer than what is stored. */
function usersIn(intent: Json | null): ReadonlySet<string> {
  const writes = isJsonObject(intent) ? intent['writes'] : undefined
  const ids = (isJsonArray(writes) ? writes : []).map((write) =>
    isJsonObject(write) ? write['id'] : undefined,
  )
  return new Set(ids.filter((id) => typeof id === 'string'))
}

/** Some of the accounts that are bound, in the order of their ids. */
export interface BoundAccounts {
  /** Those that no page of the run showed. */
  readonly missing: readonly string[]
  /** The last one that was looked at; undefined when there is none left. */
  readonly last: string | undefined
}

/** How many bindings one look goes through, by the index alone: a row each. */
const BOUND_PER_LOOK = 5000

/**
 * Looks through the accounts after `after` that are bound. What the pages showed is compared here and not in SQL, where every
 * look-up in a list counts as a row that was read.
 */
export async function missingAccounts(
  database: Database,
  key: RunKey,
  after: string,
): Promise<BoundAccounts> {
  const { organizationId, directoryId, reconciliationId } = key
  const [pages, bound] = await database.run(
    sql`SELECT * FROM seen_accounts WHERE organization_id = ${organizationId}
      AND reconciliation_id = ${reconciliationId}`,
    sql`SELECT graph_id FROM binding INDEXED BY binding_by_graph_id
      WHERE organization_id = ${organizationId} AND directory_id = ${directoryId}
        AND graph_id IS NOT NULL AND graph_id > ${after} AND kind = 'user'
      ORDER BY graph_id LIMIT ${BOUND_PER_LOOK}`,
  )
  const seen = new Set((pages?.rows ?? []).flatMap((row) => decode(seenAccounts, row).graphIds))
  const ids = (bound?.rows ?? []).map((row) => String(row['graph_id']))
  return { missing: ids.filter((id) => !seen.has(id)), last: ids.at(-1) }
}
