/** What a step of reconciliation compares Graph's users with: bindings by Graph id, and what is imported beside them. */
import { type SQL, sql } from 'drizzle-orm'

import { isJsonArray, isJsonObject, type Json } from '../kernel/json.ts'
import {
  type AwayAccount,
  awayColumn,
  plannedColumn,
  type PlannedUser,
  toAway,
  toPlanned,
} from './away-accounts.ts'
import { type Answer, type Database, decode } from './client.ts'
import { type Lane, readBlock } from './lane-store.ts'
import type { RunKey } from './reconciliation-store.ts'
import type { BindingRow } from './round-store.ts'
import { binding, directory } from './tables/directories.ts'
import { user } from './tables/provisioning.ts'
import { seenAccounts } from './tables/reconciliations.ts'

/** What of a binding is compared, as the lists that are read of it order it. */
const COMPARED = [
  'kind',
  'resourceId',
  'graphId',
  'state',
  'snapshot',
  'unknown',
  'exportedSequence',
  'exportedAt',
  'error',
  'restoring',
] as const

export type ComparedBinding = Pick<BindingRow, (typeof COMPARED)[number]> & {
  /** Its user was deleted here or unbound, and the account could not be ended yet: nothing that it holds is ours any more. */
  readonly isLeft: boolean
  /** Its account was found deleted: what is owed to it, should it be there again. */
  readonly away: AwayAccount | null
  /** Its user, where something of it was refused or is held: what the account is to hold by now may be more than was exported. */
  readonly user: PlannedUser | undefined
}

/** A user's document and the values that were imported beside it. */
export type ImportingUser = Pick<typeof user.$inferSelect, 'imported' | 'resource'>

export interface ComparedAccounts {
  /** By Graph id. */
  readonly bindings: ReadonlyMap<string, ComparedBinding>
  /** What imported values are compared with, by user id; users that do not exist are absent. */
  readonly users: ReadonlyMap<string, ImportingUser>
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

/** D1 takes 100 parameters, and every row of a list in JSON would count as one that was read. */
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
  const compared = sql`json_array(${columnsOf(COMPARED)}, ${isLeft}, ${awayColumn}, ${ofRefused}, ${withImports ? importing : null})`
  const [own, block, ...answers] = await database.run(
    sql`SELECT intent FROM directory WHERE organization_id = ${organizationId} AND id = ${directoryId}`,
    readBlock(lanes),
    ...lists.map((ids) => foundBy(key, compared, ids)),
    ...managerLists.map((ids) => foundBy(key, sql`json_array(b.graph_id, b.resource_id)`, ids)),
  )
  const found = valuesOf(answers.slice(0, lists.length)).map(toCompared)
  const users = found.filter(({ row }) => row.kind === 'user')
  return {
    bindings: new Map(users.map(({ row }) => [row.graphId ?? '', row])),
    managers: new Map(
      valuesOf(answers.slice(lists.length)).map(([graphId, userId]) => [
        String(graphId),
        String(userId),
      ]),
    ),
    users: new Map(users.flatMap(({ row, user }) => (user ? [[row.resourceId, user]] : []))),
    inFlight: idsInFlight(decode(directory, own?.rows[0] ?? {}).intent),
    blockedUntil: Number(block?.rows[0]?.['until'] ?? 0),
  }
}

const columnsOf = (names: readonly (keyof BindingRow)[]): SQL =>
  sql.raw(names.map((name) => `b.${binding[name].name}`).join(', '))

/** Only of what failed or is held the user's row is looked for: any other ending goes on by itself, and is over soon. */
const isLeft: SQL = sql`(b.state IN ('failed', 'held') AND (b.unbound_by IS NOT NULL OR NOT EXISTS (SELECT 1 FROM user u
  WHERE u.organization_id = b.organization_id AND u.id = b.resource_id)))`

const ofRefused: SQL = sql`json(CASE WHEN b.state IN ('failed', 'held') AND b.kind = 'user' THEN ${plannedColumn} END)`

/** What an import of the user is compared with, in a list of its own: no list, no user. */
const importing: SQL = sql`(SELECT json_array(u.imported, u.resource) FROM user u
  WHERE u.organization_id = b.organization_id AND u.id = b.resource_id)`

/**
 * A value of the binding of each id. As the one row of a subquery a binding counts once: behind one that is searched for otherwise
 * SQLite looks on, and counts what is there. The index is named, lest every binding of the directory be walked.
 */
const foundBy = ({ organizationId, directoryId }: RunKey, value: SQL, ids: SQL): SQL =>
  sql`WITH asked (graph_id) AS (VALUES ${ids})
    SELECT (SELECT ${value} FROM binding b INDEXED BY binding_by_graph_id
      WHERE b.organization_id = ${organizationId} AND b.directory_id = ${directoryId}
        AND b.graph_id IS NOT NULL AND b.graph_id = asked.graph_id) AS found
    FROM asked`

function chunks(ids: readonly string[]): SQL[] {
  const lists: SQL[] = []
  for (let at = 0; at < ids.length; at += IDS_PER_STATEMENT) {
    const part = ids.slice(at, at + IDS_PER_STATEMENT)
    lists.push(
      sql.join(
        part.map((id) => sql`(${id})`),
        sql`, `,
      ),
    )
  }
  return lists
}

/** The lists that were found. */
function valuesOf(answers: readonly Answer[]): (readonly unknown[])[] {
  const texts = answers.flatMap(({ rows }) => rows.map(({ found }) => found))
  return texts.flatMap((text) => {
    const list: unknown = typeof text === 'string' ? JSON.parse(text) : null
    return Array.isArray(list) ? [list] : []
  })
}

/** Reads a list of what is compared, and behind it what is known of the user. */
function toCompared(list: readonly unknown[]): {
  readonly row: ComparedBinding
  readonly user: ImportingUser | null
} {
  const columns = COMPARED.map((name, i) => [binding[name].name, list[i]] as const)
  const [left, away, refused, ofUser] = list.slice(COMPARED.length)
  return {
    row: {
      ...decode(binding, Object.fromEntries(columns)),
      isLeft: left === 1,
      away: toAway(away),
      user: toPlanned(refused),
    },
    user: Array.isArray(ofUser) ? decode(user, { imported: ofUser[0], resource: ofUser[1] }) : null,
  }
}

/** The users and groups that an intent names: what Graph holds of them may be newer than what is stored. */
export function idsInFlight(intent: Json | null): ReadonlySet<string> {
  const writes = isJsonObject(intent) ? intent['writes'] : undefined
  const ids = (isJsonArray(writes) ? writes : []).map((write) =>
    isJsonObject(write) ? write['id'] : undefined,
  )
  return new Set(ids.filter((id) => typeof id === 'string'))
}

/** How many accounts one look for adopted ones gives. */
const ADOPTED_PER_LOOK = 200

/**
 * The next accounts behind `after` that somebody was bound to since then, and that were there before: what they hold did not change
 * by it, so no page of changes shows them.
 */
export async function adoptedAccounts(
  database: Database,
  { organizationId, directoryId }: RunKey,
  { after, since }: { readonly after: string; readonly since: number },
): Promise<readonly string[]> {
  const [found] = await database.run(
    sql`SELECT graph_id FROM binding INDEXED BY binding_adopted
      WHERE organization_id = ${organizationId} AND directory_id = ${directoryId}
        AND adopted_at IS NOT NULL AND adopted_at >= ${since} AND kind = 'user'
        AND graph_id > ${after} AND state NOT IN ('unbinding', 'former')
      ORDER BY graph_id LIMIT ${ADOPTED_PER_LOOK}`,
  )
  return (found?.rows ?? []).map((row) => String(row['graph_id']))
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
