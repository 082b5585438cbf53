/**
 * The requests for a group and its memberships. A group is created by an upsert on a unique name made of our ids, so that
 * repeating it makes no second group. Members are named by Graph id; who is a member of what is the caller's knowledge.
 */
import type { DirectoryGroup } from './directory-user.ts'
import { fitMailNickname, fitText } from './fit.ts'
import type { Plan, PlannedWrite } from './planned.ts'
import { lossProblems } from './problem.ts'
import {
  addMembers,
  deleteGroup,
  type GraphRequest,
  MAX_LINKS_PER_REQUEST,
  removeMember,
  updateGroup,
  upsertGroup,
} from './requests.ts'
import type { DirectorySettings } from './settings.ts'

const MAX_DISPLAY_NAME = 256

export interface GroupSnapshot {
  readonly displayName?: string
}

export interface GroupPlanInput {
  readonly organizationId: string
  /** Undefined when it was deleted. */
  readonly group: DirectoryGroup | undefined
  readonly ending?: 'deleted' | 'unbound' | undefined
  readonly binding: {
    readonly graphId: string | null
    readonly snapshot: GroupSnapshot
    readonly unknown: readonly string[]
  }
  readonly settings: Pick<DirectorySettings, 'onGroupDelete'>
  /** As of a user: what alone is sent, as it was exported before. */
  readonly only?: ReadonlySet<string> | undefined
}

export type GroupPlan = Plan<GroupSnapshot>

/** The unique name under which Graph knows a group of ours: immutable there, so made of ids only. */
export function groupUniqueName(organizationId: string, groupId: string): string {
  return `${organizationId}-${groupId}`
}

/** Plans one group in one directory, without its members. A group that is gone ends like one that was deleted. */
export function planGroup(input: GroupPlanInput): GroupPlan {
  const { group, ending, binding } = input
  if (group === undefined || ending !== undefined) return planGroupEnd(input)
  const loss = fitText(group.displayName, MAX_DISPLAY_NAME)
  const displayName = toldName(input) ?? (loss.value || group.id)
  const problems = lossProblems(null, group.displayName, loss)
  const { snapshot: known, unknown } = binding
  const plan = { known, unknown, problems, takesAway: null }
  if (binding.graphId === null) {
    const write = createWrite(
      groupUniqueName(input.organizationId, group.id),
      group.id,
      displayName,
    )
    return { ...plan, action: 'create', known: {}, unknown: [], writes: [write] }
  }
  if (!unknown.includes('displayName') && known.displayName === displayName)
    return { ...plan, action: 'none', writes: [] }
  const rename = groupWrite('update', { displayName }, (id) => updateGroup(id, { displayName }))
  return { ...plan, action: 'update', writes: [rename] }
}

/** Undefined where the name is not to be the one that was exported before. */
const toldName = ({ only, binding }: GroupPlanInput): string | undefined =>
  only === undefined ? undefined : binding.snapshot.displayName

function createWrite(uniqueName: string, groupId: string, displayName: string) {
  const body = {
    displayName,
    mailEnabled: false,
    mailNickname: fitMailNickname(`isthmus-${groupId}`),
    securityEnabled: true,
  }
  return groupWrite('create', { displayName }, () => upsertGroup(uniqueName, body))
}

function planGroupEnd({ binding, settings }: GroupPlanInput): GroupPlan {
  const { snapshot: known, unknown } = binding
  const plan = { action: 'end', known, unknown, problems: [] } as const
  if (binding.graphId === null || settings.onGroupDelete === 'leave')
    return { ...plan, writes: [], takesAway: null }
  return { ...plan, writes: [groupWrite('delete', {}, deleteGroup)], takesAway: 'delete' }
}

function groupWrite(
  purpose: PlannedWrite['purpose'],
  sets: GroupSnapshot,
  request: (graphId: string) => GraphRequest,
): PlannedWrite<GroupSnapshot> {
  return { purpose, request, sets, attributes: Object.keys(sets), carriesPassword: false }
}

/** One request about memberships, and the Graph ids that it adds or removes. */
export interface MemberWrite {
  readonly request: GraphRequest
  readonly adds: readonly string[]
  readonly removes: readonly string[]
}

/** The requests that add and remove members: twenty additions in one, each removal on its own. */
export function planMembers(input: {
  readonly graphBase: string
  readonly groupGraphId: string
  readonly add: readonly string[]
  readonly remove: readonly string[]
}): readonly MemberWrite[] {
  const add = [...new Set(input.add)]
  const adding = new Set(add)
  // Who is to be a member and not to be one is one: adding twice does no harm, removing may.
  const remove = [...new Set(input.remove)].filter((id) => !adding.has(id))
  const writes: MemberWrite[] = remove.map((id) => ({
    request: removeMember(input.groupGraphId, id),
    adds: [],
    removes: [id],
  }))
  for (let at = 0; at < add.length; at += MAX_LINKS_PER_REQUEST) {
    const adds = add.slice(at, at + MAX_LINKS_PER_REQUEST)
    const request = addMembers(input.graphBase, input.groupGraphId, adds)
    writes.push({ request, adds, removes: [] })
  }
  return writes
}
