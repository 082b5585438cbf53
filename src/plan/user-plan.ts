/**
 * The requests that bring Graph from what is known of a user to what it should hold. Level-triggered: the same input
 * always gives the same plan, and a plan that was carried out leaves nothing to plan.
 */
import { ATTRIBUTES, type Directions, directionOf } from './attributes.ts'
import { createWrites } from './create-user.ts'
import { desiredUser } from './desired-user.ts'
import type { PlannedWrite, UserPlan, UserPlanInput } from './planned.ts'
import { putBackWrites } from './put-back.ts'
import { deleteUser } from './requests.ts'
import {
  exportedKeys,
  type Held,
  knownValue,
  rememberedSnapshot,
  rememberedUnknown,
  type Snapshot,
  SNAPSHOT_KEYS,
  type SnapshotKey,
} from './snapshot.ts'
import {
  type Differences,
  differencesOf,
  disableWrites,
  isLinkLost,
  isSent,
  updateWrites,
} from './update-user.ts'
import { withVerifiedName } from './verified-domain.ts'

const NOTHING = {
  action: 'none',
  writes: [],
  problems: [],
  takesAway: null,
  awaitsManager: null,
  failure: null,
  needs: [],
  readsAgain: false,
} as const

/** Plans one user in one directory. A user that is gone ends like one that was deleted. */
export function planUser(input: UserPlanInput): UserPlan {
  const { user, ending, binding, only } = input
  if (user === undefined || ending !== undefined) return planEnd(input, ending ?? 'deleted')
  const desired = withVerifiedName(input, desiredUser({ ...input, user }))
  const { values, problems, failure } = desired
  const plan: UserPlan = { ...NOTHING, known: {}, unknown: binding.unknown, problems, failure }
  const awaitsManager = isSent('manager', only) ? awaitedManager(input) : null
  if (binding.graphId === null) {
    if (failure !== null) return plan
    const writes = createWrites(input, user, values)
    return { ...plan, action: 'create', writes, awaitsManager }
  }
  const differences = differencesOf(input, desired)
  const { orgData } = differences
  const putBack = putBackWrites(
    { ...input, orgData, desired: desiredOfAll(input) },
    notExported(input),
  )
  const writes = [...updateWrites(input, differences), ...putBack.writes]
  return {
    ...plan,
    action: writes.length === 0 ? 'none' : 'update',
    ...knowledgeBefore(input, differences),
    writes,
    problems: [...problems, ...putBack.problems],
    takesAway: differences.values.accountEnabled === false ? disabling(input) : null,
    awaitsManager,
    needs: [...new Set([...differences.needs, ...putBack.needs])],
    readsAgain: putBack.readsAgain,
  }
}

/** What counts as known before the writes: what was exported and counts still, and what was found to be somebody else's. */
function knowledgeBefore(
  input: UserPlanInput,
  { left }: Differences,
): Pick<UserPlan, 'known' | 'unknown'> {
  const { binding, directions } = input
  const leftNow: Snapshot = Object.fromEntries(left.map((key) => [key, null]))
  const isKnown = (key: string) => key in leftNow || (key === 'manager' && isLinkLost(input))
  return {
    known: { ...rememberedSnapshot(binding, directions), ...leftNow },
    unknown: rememberedUnknown(binding, directions).filter((key) => !isKnown(key)),
  }
}

/** What is exported again by now is ours to say, whatever the account held before; while a manager is waited for nobody is. */
function notExported({ binding, directions, managerGraphId, only }: UserPlanInput): Held {
  const exported = exportedKeys(directions)
  const isOther = (key: SnapshotKey) =>
    !exported.includes(key) || (key === 'manager' && managerGraphId === undefined)
  const others = SNAPSHOT_KEYS.filter((key) => isOther(key) && isSent(key, only))
  const { restoring } = binding
  return Object.fromEntries(
    others.flatMap((key) => (restoring?.[key] === undefined ? [] : [[key, restoring[key]]])),
  )
}

const ALL_EXPORTED: Directions = new Map(
  ATTRIBUTES.map(({ name }) => [name, { direction: 'export', sequence: 0 }]),
)

/** What would be sent if every attribute were exported, as those that are put back have been. */
function desiredOfAll(input: UserPlanInput): Snapshot {
  const { user, managerGraphId = input.endingManagerId } = input
  if (user === undefined) return {}
  return desiredUser({ ...input, user, managerGraphId, directions: ALL_EXPORTED }).values
}

function awaitedManager({ user, directions, managerGraphId }: UserPlanInput): string | null {
  const exported = directionOf(directions, 'manager').direction === 'export'
  return exported && managerGraphId === undefined ? (user?.managerId ?? null) : null
}

/** Null when the account is disabled already, and only its sessions are left to revoke. */
function disabling({ binding, directions }: UserPlanInput): UserPlan['takesAway'] {
  const enabled = knownValue('accountEnabled', binding, directions)
  return enabled.state === 'known' && enabled.value === null ? null : 'disable'
}

/** What becomes of the account of a user that was deleted here or unbound. The snapshot stays, as the former account's. */
function planEnd(input: UserPlanInput, ending: NonNullable<UserPlanInput['ending']>): UserPlan {
  const { binding, directions, settings } = input
  const { snapshot: known, unknown } = binding
  const plan: UserPlan = { ...NOTHING, action: 'end', known, unknown }
  if (ending === 'undone') return planUndone(input, plan)
  const policy = ending === 'deleted' ? settings.onDelete : settings.onUnbind
  if (binding.graphId === null || policy === 'leave') return plan
  if (policy === 'delete') return { ...plan, writes: [deleteWrite], takesAway: 'delete' }
  const enabled = knownValue('accountEnabled', binding, directions)
  if (enabled.state === 'known' && enabled.value === false) return plan
  return { ...plan, writes: disableWrites(), takesAway: disabling(input) }
}

/** The account was somebody's before it was bound, and is left as it was then, whatever becomes of others. */
function planUndone(input: UserPlanInput, plan: UserPlan): UserPlan {
  const { graphId, restoring } = input.binding
  if (graphId === null) return plan
  const putBack = putBackWrites({ ...input, desired: desiredOfAll(input) }, restoring ?? {})
  const disables = putBack.writes.some(({ purpose }) => purpose === 'revoke')
  return { ...plan, ...putBack, takesAway: disables ? 'disable' : null }
}

/** Deleting twice answers 404, so an unanswered deletion leaves nothing unknown that matters. */
const deleteWrite: PlannedWrite = {
  purpose: 'delete',
  request: deleteUser,
  sets: {},
  attributes: [],
  carriesPassword: false,
}
