/**
 * Turns differences (attribute -> value, null to clear) into the body of a Graph request. employeeOrgData is one property
 * of which Graph clears every member that is not named, so the member that is not to change is sent as it is.
 */
import type { Json, JsonObject } from '../kernel/json.ts'
import { ATTRIBUTES } from './attributes.ts'
import type { Snapshot, SnapshotValue } from './snapshot.ts'

/** The whole of employeeOrgData. */
export interface OrgData {
  readonly costCenter: SnapshotValue
  readonly division: SnapshotValue
}

/** The properties of a user that `values` names; a manager is none. */
export function userProperties(values: Snapshot, orgData?: OrgData): JsonObject {
  const body: Record<string, Json> = {}
  if (values.accountEnabled !== undefined) body['accountEnabled'] = values.accountEnabled
  for (const { name, graph, kind } of ATTRIBUTES) {
    if (name === 'password') continue
    const value = values[name]
    if (value === undefined) continue
    if (kind === 'text') body[graph] = value
    if (kind === 'collection') body[graph] = value === null ? [] : [value]
  }
  if (orgData !== undefined) body['employeeOrgData'] = { ...orgData }
  return body
}
