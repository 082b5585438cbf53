/**
 * Updating a user: one PATCH with the properties that differ, then what Graph wants on its own: the password (mixed with
 * other properties it fails them all), the end of the sessions of a user who was disabled, the manager.
 */
import { directionOf } from './attributes.ts'
import type { DesiredUser } from './desired-user.ts'
import { DESIRED, type PlannedWrite, type UserPlan, type UserPlanInput } from './planned.ts'
import { removeManager, revokeSessions, setManager, setPassword, updateUser } from './requests.ts'
import {
  exportedKeys,
  isClearable,
  isOurs,
  knownValue,
  type MutableSnapshot,
  mustSend,
  type Snapshot,
  type SnapshotKey,
  type SnapshotValue,
} from './snapshot.ts'
import { type OrgData, userProperties } from './user-body.ts'

export interface Differences {
  /** What must be sent; null clears. */
  readonly values: Snapshot
  /** The whole of employeeOrgData, when a member of it must be sent. */
  readonly orgData: OrgData | undefined
  readonly needs: UserPlan['needs']
  /** What was read to be somebody else's, where ours would only stand in for a value. */
  readonly left: readonly SnapshotKey[]
}

/** What Graph does not hold yet, as far as is known. */
export function differencesOf(input: UserPlanInput, desired: DesiredUser): Differences {
  const { binding, directions, settings, only } = input
  const values: MutableSnapshot = {}
  const unread: SnapshotKey[] = []
  const left: SnapshotKey[] = []
  for (const key of exportedKeys(directions).filter((name) => isSent(name, only))) {
    const value = wantedValue(key, input, desired)
    if (value === undefined || (value === null && !isClearable(key))) continue
    const standing = desired.standIns.includes(key) ? standingOf(key, input) : 'ours'
    if (standing === 'unread') unread.push(key)
    if (standing === 'theirs' && key !== 'displayname') left.push(key)
    if (standing !== 'ours') continue
    if (mustSend(value, knownValue(key, binding, directions), settings.blankPolicy))
      values[key] = value
  }
  if (holdsFormerManager(input)) values.manager = null
  return { left, ...withOrgData(input, values, unread) }
}

/**
 * What Graph is to hold: what is desired; of a key that reconciliation found, what was exported, for that was told. What has changed since
 * was refused or is held, and stays so. An account is enabled or disabled by what is desired alone.
 */
function wantedValue(
  key: SnapshotKey,
  input: UserPlanInput,
  { values }: DesiredUser,
): SnapshotValue | undefined {
  const { binding, only } = input
  const ours = binding.snapshot[key]
  if (only?.has(`${DESIRED}${key}`) ?? true) return values[key]
  if (key === 'accountEnabled') return values[key] === ours ? ours : undefined
  if (key === 'manager') return wantedLink(input, values.manager)
  return isOurs(key, ours) ? ours : values[key]
}

/** The link that was told, or taken away, or is given back. Whoever waits for a manager has none yet, and to one who is not there nobody is linked. */
function wantedLink(
  input: UserPlanInput,
  desired: SnapshotValue | undefined,
): SnapshotValue | undefined {
  const { binding, managerGraphId, toldManager } = input
  if (isManagerGivenBack(input)) return desired
  if (toldManager === null) return null
  if (managerGraphId === undefined) return desired
  return binding.snapshot.manager ?? desired
}

/** Whether a key is one of those that are sent. */
export const isSent = (key: SnapshotKey, only: UserPlanInput['only']): boolean =>
  only === undefined || only.has(key) || only.has(`${DESIRED}${key}`)

/**
 * Whether a value that only stands in for one is sent (`ours`) or gives way to what somebody else gave the account (`theirs`), which
 * may have to be read first.
 */
function standingOf(
  key: SnapshotKey,
  { binding, directions, current }: UserPlanInput,
): 'ours' | 'theirs' | 'unread' {
  const known = knownValue(key, binding, directions)
  // Graph has no user without one: where we never gave it, somebody else did, which needs neither a look nor a note.
  if (key === 'displayname') return known.state === 'never' ? 'theirs' : 'ours'
  if (known.state === 'known') return isOurs(key, known.value) ? 'ours' : 'theirs'
  if (known.state === 'unknown' && isOurs(key, binding.snapshot[key])) return 'ours'
  const held = current?.[key]
  if (held === undefined) return 'unread'
  return held === null ? 'ours' : 'theirs'
}

/** Either member of employeeOrgData is sent with the other. */
function withOrgData(
  input: UserPlanInput,
  values: Snapshot,
  unread: readonly SnapshotKey[],
): Omit<Differences, 'left'> {
  if (values.costCenter === undefined && values.division === undefined)
    return { values, orgData: undefined, needs: unread }
  const costCenter = orgMember('costCenter', input, values)
  const division = orgMember('division', input, values)
  if (costCenter !== undefined && division !== undefined)
    return { values, orgData: { costCenter, division }, needs: unread }
  const { costCenter: _, division: __, ...others } = values
  return { values: others, orgData: undefined, needs: [...unread, 'costCenter', 'division'] }
}

/** Whether the account is to have the manager again that it had before: while the one who is wanted has no account. */
const isManagerGivenBack = ({ binding, managerGraphId }: UserPlanInput): boolean =>
  managerGraphId === undefined && binding.restoring?.manager !== undefined

/**
 * While the manager who is wanted has no account, whoever was exported before is in any case not the one; of a lost link nothing is
 * left. Where the account is to have the manager again that it had before, that says what becomes of the link.
 */
function holdsFormerManager(input: UserPlanInput): boolean {
  const { binding, directions, managerGraphId, only } = input
  if (!isSent('manager', only)) return false
  if (managerGraphId !== undefined || directionOf(directions, 'manager').direction !== 'export')
    return false
  if (isManagerGivenBack(input) || isLinkLost(input)) return false
  const known = knownValue('manager', binding, directions)
  if (known.state !== 'known') return known.state === 'unknown' && !isFoundLost(input)
  return known.value !== null
}

/**
 * Whether the link that was last known to be there went with the account of the manager who is wanted, also where it was to be made again
 * and that has no answer: whoever the account has instead is for a run to tell.
 */
export const isLinkLost = ({ binding, lostManagerId }: UserPlanInput): boolean =>
  lostManagerId !== undefined && binding.snapshot.manager === lostManagerId

/**
 * Whether the link is unknown for no other reason than that reconciliation found it otherwise than it was exported: it told that the
 * account is to have that manager again, who is waited for by now, and not that it is to have none.
 */
const isFoundLost = ({ toldManager, only }: UserPlanInput): boolean =>
  toldManager !== undefined && toldManager !== null && only !== undefined

/**
 * What a member of employeeOrgData has to hold after the write: ours, else what it holds, whatever was exported before: somebody may have
 * changed it since, and nobody is told of that. Undefined when it was not read.
 */
function orgMember(
  key: 'costCenter' | 'division',
  { current }: UserPlanInput,
  differences: Snapshot,
): SnapshotValue | undefined {
  const ours = differences[key]
  if (ours !== undefined) return ours
  const read = current?.[key]
  return typeof read === 'string' || read === null ? read : undefined
}

/** The writes that send the differences, and the pending password. */
export function updateWrites(
  input: UserPlanInput,
  { values, orgData }: Differences,
): readonly PlannedWrite[] {
  const { manager, accountEnabled, ...others } = values
  const { password } = input
  // A value that Microsoft 365 refuses must not keep a user from being locked out: that goes alone and first.
  const disables = accountEnabled === false
  const properties =
    disables || accountEnabled === undefined ? others : { ...others, accountEnabled }
  return [
    ...(disables ? disableWrites() : []),
    ...(password === undefined ? [] : [passwordWrite(password)]),
    ...patchWrites(properties, orgData),
    ...(manager === undefined ? [] : managerWrites(input.graphBase, manager)),
  ]
}

/** Disables an account and ends its sessions. */
export function disableWrites(): readonly PlannedWrite[] {
  return [...patchWrites({ accountEnabled: false }), revokeWrite]
}

/** One PATCH; none when nothing differs. A disabled account is known as such only when its sessions are revoked too. */
export function patchWrites(values: Snapshot, orgData?: OrgData): readonly PlannedWrite[] {
  const body = userProperties(values, orgData)
  const attributes = Object.keys(values)
  if (attributes.length === 0) return []
  return [
    {
      purpose: 'update',
      request: (graphId) => updateUser(graphId, body),
      sets: values.accountEnabled === false ? { ...values, accountEnabled: null } : values,
      attributes,
      carriesPassword: false,
    },
  ]
}

const revokeWrite: PlannedWrite = {
  purpose: 'revoke',
  request: revokeSessions,
  sets: { accountEnabled: false },
  attributes: ['accountEnabled'],
  carriesPassword: false,
}

function passwordWrite(password: string): PlannedWrite {
  return {
    purpose: 'password',
    request: (graphId) => setPassword(graphId, password),
    sets: {},
    attributes: [],
    carriesPassword: true,
  }
}

/** Links the manager of that Graph id; null removes the link. */
export function managerWrites(graphBase: string, manager: SnapshotValue): readonly PlannedWrite[] {
  const write = { purpose: 'manager', sets: { manager }, attributes: ['manager'] } as const
  const request = (graphId: string) =>
    typeof manager === 'string' ? setManager(graphBase, graphId, manager) : removeManager(graphId)
  return [{ ...write, request, carriesPassword: false }]
}
