/**
 * Gives an account back what it held before a bind or a direction that was undone: one PATCH, then what Graph wants on its own. What
 * is given back is not ours: of all of it the snapshot learns the name alone, by which a former account is known.
 */
import { isJsonArray, type Json, type JsonObject } from '../kernel/json.ts'
import { ATTRIBUTES } from './attributes.ts'
import type { PlannedWrite, UserPlan, UserPlanInput } from './planned.ts'
import { updateUser } from './requests.ts'
import { type Held, isClearable, SNAPSHOT_KEYS, type SnapshotKey } from './snapshot.ts'
import { disableWrites, managerWrites } from './update-user.ts'
import type { OrgData } from './user-body.ts'

type PutBack = Pick<UserPlan, 'writes' | 'needs'>

/** The writes that make an account hold `held` again. Of employeeOrgData, which is written as a whole, the rest may have to be read first. */
export function putBackWrites(
  { graphBase, current }: Pick<UserPlanInput, 'graphBase' | 'current'>,
  held: Held,
): PutBack {
  const keys = SNAPSHOT_KEYS.filter((key) => isWritable(key, held[key]))
  const isNeedy = keys.filter(isOrgData).length === 1 && current?.employeeOrgData === undefined
  const properties = keys.filter(
    (key) => key !== 'manager' && held[key] !== false && !(isNeedy && isOrgData(key)),
  )
  const disables = held.accountEnabled === false ? disableWrites() : []
  const writes: readonly PlannedWrite[] = [
    ...disables,
    ...patch(held, properties, current?.employeeOrgData ?? null),
    ...manager(graphBase, held.manager),
  ]
  return {
    writes: writes.map((write) => ({ ...write, putsBack: true })),
    needs: isNeedy ? ['employeeOrgData'] : [],
  }
}

const isOrgData = (key: SnapshotKey): boolean => key === 'costCenter' || key === 'division'

const isWritable = (key: SnapshotKey, value: Json | undefined): boolean =>
  value !== undefined && (value !== null || isClearable(key))

function patch(
  held: Held,
  keys: readonly SnapshotKey[],
  orgData: OrgData | null,
): readonly PlannedWrite[] {
  if (keys.length === 0) return []
  const body = bodyOf(held, keys, orgData)
  const { email } = held
  return [
    {
      purpose: 'update',
      request: (graphId) => updateUser(graphId, body),
      sets: typeof email === 'string' ? { email } : {},
      attributes: keys,
      carriesPassword: false,
    },
  ]
}

function bodyOf(held: Held, keys: readonly SnapshotKey[], orgData: OrgData | null): JsonObject {
  const body: Record<string, Json> = {}
  if (keys.includes('accountEnabled')) body['accountEnabled'] = true
  for (const { name, graph, kind } of ATTRIBUTES) {
    if (name === 'password' || !keys.includes(name)) continue
    const value = held[name] ?? null
    if (kind === 'text') body[graph] = value
    if (kind === 'collection') body[graph] = listOf(value)
    if (kind === 'orgData')
      body[graph] = { costCenter: null, division: null, ...orgData, ...orgDataOf(held) }
  }
  return body
}

function listOf(value: Json): Json {
  if (isJsonArray(value)) return value
  return value === null ? [] : [value]
}

const orgDataOf = ({ costCenter, division }: Held) => ({
  ...(costCenter === undefined ? {} : { costCenter }),
  ...(division === undefined ? {} : { division }),
})

const manager = (graphBase: string, id: Json | undefined): readonly PlannedWrite[] =>
  id === null || typeof id === 'string'
    ? managerWrites(graphBase, id).map((write) => ({ ...write, sets: {} }))
    : []
