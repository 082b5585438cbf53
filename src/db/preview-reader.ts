/** What a preview reads: the users that it is about, as a drain would read them, in two round trips and without a lease. */
import { type SQL, sql } from 'drizzle-orm'

import { type Holder, holdersOf, readHolders } from './bound-accounts.ts'
import { type Answer, type Database, decode } from './client.ts'
import { type DeletedAccount, deletedAccountsOf, toDeletedAccount } from './deleted-accounts.ts'
import type { DirectoryRow } from './lease.ts'
import {
  newReportsOf,
  toUnfollowed,
  type Unfollowed,
  unfollowedOf,
  willLook,
} from './preview-lag.ts'
import {
  type BindingRow,
  type DirectionRow,
  importedNow,
  type ManagerAccount,
  managersOf,
  toManagers,
  type UserRow,
} from './round-store.ts'
import { attributeDirection, binding, directory } from './tables/directories.ts'
import { user } from './tables/provisioning.ts'

export interface PreviewKey {
  readonly organizationId: string
  readonly directoryId: string
}

export interface PreviewPage {
  /** These users, in the order of their ids; undefined: those that are bound. */
  readonly userIds: readonly string[] | undefined
  /** With whoever was bound before and waits for the account of one of them. */
  readonly withReports: boolean
  readonly after: string
  readonly limit: number
}

export interface StoredPreview {
  readonly directory: DirectoryRow
  readonly directions: readonly DirectionRow[]
  /** The log's end. */
  readonly sequence: number
  /** Whom the page is about, whether or not they are there. */
  readonly ids: readonly string[]
  /** The last of them, when there are more. */
  readonly nextAfter: string | undefined
  readonly users: readonly UserRow[]
  readonly bindings: readonly BindingRow[]
  /** By user id. */
  readonly managers: ReadonlyMap<string, ManagerAccount>
  /** The sequences of passwords that some directory has still to deliver, by the ids of their users. */
  readonly passwords: ReadonlyMap<string, { readonly sequence: number }>
  /** What the directory has still to follow of a user. */
  readonly unfollowed: (userId: string) => Unfollowed
  /** The log holds a change for which everybody who is bound is looked at. */
  readonly willLook: boolean
  /** Accounts in the recycle bin that one of the users may ask for. */
  readonly deleted: readonly DeletedAccount[]
}

/** Reads one page of what is previewed; undefined when the organization has no such directory. */
export async function readPreview(
  database: Database,
  { organizationId, directoryId }: PreviewKey,
  page: PreviewPage,
  now: number,
): Promise<StoredPreview | undefined> {
  const mine = sql`organization_id = ${organizationId} AND directory_id = ${directoryId}`
  const [paged] = await database.run(idsOf({ organizationId, directoryId }, mine, page))
  const upTo = rows(paged).map(({ id }) => String(id))
  const pageIds = upTo.slice(0, page.limit)
  const ids = sql`SELECT value FROM json_each(${JSON.stringify(pageIds)})`
  const these = sql`organization_id = ${organizationId} AND id IN (${ids})`
  const [
    found,
    directions,
    head,
    users,
    bindings,
    managers,
    passwords,
    deleted,
    unfollowed,
    looking,
  ] = await database.run(
    sql`SELECT * FROM directory WHERE organization_id = ${organizationId} AND id = ${directoryId}`,
    sql`SELECT * FROM attribute_direction WHERE ${mine}`,
    sql`SELECT coalesce(max(sequence), 0) AS head FROM event WHERE organization_id = ${organizationId}`,
    sql`SELECT u.*, ${importedNow} AS imported_now FROM user u WHERE ${these} ORDER BY id`,
    sql`SELECT * FROM binding WHERE ${mine} AND kind = 'user' AND resource_id IN (${ids})`,
    managersOf(organizationId, directoryId, sql`(${ids})`),
    sql`SELECT user_id, sequence FROM pending_password
        WHERE organization_id = ${organizationId} AND user_id IN (${ids})`,
    deletedAccountsOf({ organizationId, directoryId }, sql`(${ids})`, now),
    unfollowedOf({ organizationId, directoryId }, ids),
    willLook({ organizationId, directoryId }),
  )
  const [row] = rows(found)
  if (row === undefined) return undefined
  return {
    directory: decode(directory, row),
    directions: rows(directions).map((each) => decode(attributeDirection, each)),
    sequence: Number(rows(head)[0]?.['head']),
    ids: pageIds,
    nextAfter: upTo.length > page.limit ? pageIds.at(-1) : undefined,
    users: rows(users).map((each) => decode(user, { ...each, imported: each['imported_now'] })),
    bindings: rows(bindings).map((each) => decode(binding, each)),
    managers: toManagers(managers),
    passwords: new Map(
      rows(passwords).map((each) => [
        String(each['user_id']),
        { sequence: Number(each['sequence']) },
      ]),
    ),
    deleted: rows(deleted).map(toDeletedAccount),
    unfollowed: toUnfollowed(unfollowed),
    willLook: rows(looking)[0]?.['will_look'] === 1,
  }
}

const rows = (answer: Answer | undefined): Answer['rows'] => answer?.rows ?? []

function idsOf(
  key: PreviewKey,
  mine: SQL,
  { userIds, withReports, after, limit }: PreviewPage,
): SQL {
  if (userIds === undefined)
    return sql`SELECT resource_id AS id FROM binding WHERE ${mine} AND kind = 'user' AND resource_id > ${after}
      AND state NOT IN ('former', 'unbinding') AND unbound_by IS NULL ORDER BY resource_id LIMIT ${limit + 1}`
  const asked = sql`(SELECT value FROM json_each(${JSON.stringify(userIds)}))`
  const reports = withReports ? reportsOf(key, mine, asked, after) : sql``
  return sql`SELECT value AS id FROM ${asked} WHERE value > ${after} ${reports} ORDER BY id LIMIT ${limit + 1}`
}

/** Whoever waits for one of them, or will by a change that is still to be followed; and whoever had the account of one of them as a manager that was found deleted: the link went with it. */
const reportsOf = (key: PreviewKey, mine: SQL, asked: SQL, after: string): SQL => sql`
  UNION ${newReportsOf(key, asked, after)}
  UNION SELECT waiter_id FROM awaited
    WHERE ${mine} AND awaited_id IN ${asked} AND waiter_id > ${after} AND waiter_id GLOB 'usr_*'
  UNION SELECT resource_id FROM binding WHERE ${mine} AND kind = 'user' AND resource_id > ${after}
    AND manager_graph_id IN (SELECT graph_id FROM binding WHERE ${mine} AND kind = 'user'
      AND resource_id IN ${asked} AND error ->> '$.code' = 'object_missing')`

/** Which of these Graph objects are bound in the directory already. */
export async function readPreviewHolders(
  database: Database,
  key: PreviewKey,
  graphIds: readonly string[],
): Promise<ReadonlyMap<string, Holder>> {
  if (graphIds.length === 0) return new Map()
  const [found] = await database.run(holdersOf(key, graphIds))
  return readHolders(rows(found))
}
