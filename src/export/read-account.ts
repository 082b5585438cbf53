/** Reads what an account holds of some attributes, in the planner's terms. */
import { isJsonObject, type Json } from '../kernel/json.ts'
import { comparedProperties } from '../plan/drift.ts'
import { type SeenUser, seenUser } from '../plan/graph-user.ts'
import { getUser, getUserWithManager, type GraphRequest } from '../plan/requests.ts'
import type { SnapshotKey } from '../plan/snapshot.ts'

/** The request that reads these attributes of an account. */
export function readRequest(graphId: string, keys: readonly SnapshotKey[]): GraphRequest {
  const select = comparedProperties(keys.filter((key) => key !== 'manager'))
  return keys.includes('manager') ? getUserWithManager(graphId, select) : getUser(graphId, select)
}

/** What was read; undefined when that is no account. */
export function readSeen(body: Json | undefined): SeenUser | undefined {
  return isJsonObject(body) ? seenUser(body, managerIn(body['manager'])) : undefined
}

function managerIn(manager: Json | undefined): string | null {
  const id = isJsonObject(manager) ? manager['id'] : undefined
  return typeof id === 'string' ? id : null
}
