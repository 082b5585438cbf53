/**
 * What a run reads of a binding whose account was found deleted, beside what it compares: by it what is owed to the account is known, should
 * that be there again.
 */
import { type SQL, sql } from 'drizzle-orm'

import { decode } from './client.ts'
import { type BindingRow, importedNow, type ManagerAccount, type UserRow } from './round-store.ts'
import { binding } from './tables/directories.ts'
import { user } from './tables/provisioning.ts'
import { awayCodes, managerOf, takesNoLink } from './waiting.ts'

/** What of a user's row is planned with. */
export type PlannedUser = Pick<
  UserRow,
  'id' | 'usernameKey' | 'resource' | 'suspended' | 'passwordExpired' | 'imported'
>

export interface AwayAccount {
  readonly binding: Pick<BindingRow, 'restoring' | 'unboundBy' | 'approval' | 'deletedAt'>
  /** Undefined when it was deleted here. */
  readonly user: PlannedUser | undefined
  /** By user id. */
  readonly managers: ReadonlyMap<string, Pick<ManagerAccount, 'graphId' | 'isMissing'>>
  /** A password waits to be delivered to it. */
  readonly hasPassword: boolean
}

const userIs = sql`u.organization_id = b.organization_id AND u.id = b.resource_id`

/** The user of the binding `b`, as `toPlanned` reads it; null when it was deleted here. */
export const plannedColumn: SQL = sql`(SELECT json_object('id', u.id, 'username_key', u.username_key, 'resource', u.resource,
    'suspended', u.suspended, 'password_expired', u.password_expired, 'imported', '' || ${importedNow}) FROM user u WHERE ${userIs})`

/** Reads what `plannedColumn` gave. */
export const toPlanned = (told: unknown): PlannedUser | undefined =>
  isRecord(told) ? decode(user, told) : undefined

/** Of the binding `b`: null, and no row read, where its account is not away. */
export const awayColumn: SQL = sql`json(CASE WHEN b.state = 'failed' AND b.error ->> '$.code' IN (${awayCodes}) THEN json_object(
    'binding', json_object('restoring', b.restoring, 'unbound_by', b.unbound_by, 'approval', b.approval, 'deleted_at', b.deleted_at),
    'user', json(${plannedColumn}),
    'managers', (SELECT json_group_object(m.resource_id, json_array(m.graph_id, ${takesNoLink(sql`m`)}))
      FROM user u JOIN binding m ON m.organization_id = u.organization_id AND m.directory_id = b.directory_id AND m.kind = 'user'
        AND m.resource_id IN ${managerOf} AND m.graph_id IS NOT NULL AND m.state NOT IN ('unbinding', 'former')
      WHERE ${userIs}),
    'hasPassword', EXISTS (SELECT 1 FROM pending_password p WHERE p.organization_id = b.organization_id
      AND p.user_id = b.resource_id AND p.sequence > b.password_sequence)) END)`

/** Reads what `awayColumn` gave. */
export function toAway(told: unknown): AwayAccount | null {
  if (!isRecord(told)) return null
  const managers = isRecord(told['managers']) ? Object.entries(told['managers']) : []
  return {
    binding: decode(binding, isRecord(told['binding']) ? told['binding'] : {}),
    user: toPlanned(told['user']),
    managers: new Map(managers.flatMap(([id, manager]) => managerIn(id, manager))),
    hasPassword: told['hasPassword'] === 1,
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function managerIn(
  id: string,
  told: unknown,
): [string, Pick<ManagerAccount, 'graphId' | 'isMissing'>][] {
  if (!Array.isArray(told)) return []
  const [graphId, isMissing] = told
  return [[id, { graphId: String(graphId), isMissing: isMissing === 1 }]]
}
