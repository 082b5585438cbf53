/**
 * Commands about many resources (export.md section 1): following waits at such a command until every binding that it concerns
 * has been met, in D1 only and some thousand per batch, with a cursor in the directory row. Membership of the groups that
 * `bindNewUsers` names is followed in the same way. Pure.
 */
import { MAX_TOUCHED } from '../db/event-log.ts'
import type { ExpansionAction } from '../db/expansion-actions.ts'
import type { Expansion, ExpansionPhase } from '../db/expansion-store.ts'
import type { LogEntry } from '../db/round-store.ts'
import { sequenceOf } from '../kernel/id.ts'
import { isJsonObject, type Json } from '../kernel/json.ts'
import type { DirectorySettings } from '../plan/settings.ts'

/** What each command makes of the bindings that it is about. */
const ACTIONS: ReadonlyMap<string, ExpansionAction> = new Map([
  // A direction that ends sends nothing, so it is no command that is expanded.
  ['integrationattribute_include', 'direct'],
  ['directory_update', 'look'],
  ['binding_create', 'bind'],
  ['binding_delete', 'unbind'],
  ['export_requested', 'export'],
  ['replay_requested', 'replay'],
  ['held_approve', 'approve'],
  ['held_reject', 'reject'],
  ['undo', 'undo'],
])

const actionOf = ({ targetType, type }: LogEntry): ExpansionAction | undefined =>
  targetType === 'directory' ? ACTIONS.get(type) : undefined

/** The attribute whose imported values are to be taken away, since its direction left `import`. */
export function leavesImport({ targetType, type, touched }: LogEntry): string | undefined {
  const isDirection = targetType === 'directory' && type.startsWith('integrationattribute_')
  return isDirection ? touched?.[0] : undefined
}

/** What the log is read with: the groups whose members are bound, and how far their changes have been expanded. */
export interface Watch {
  /** Null where groups bind nobody. */
  readonly groupIds: readonly string[] | null
  readonly through: number
  /** The sequence of the expansion that has begun and is not over; null when there is none. */
  readonly running: number | null
}

/** No group binds its members. */
export const NOBODY_WATCHED: Watch = { groupIds: null, through: 0, running: null }

/** What of the settings and of the stored expansion says which entries have to be expanded. */
export function watchOf({ bindNewUsers }: DirectorySettings, stored: Json | null): Watch {
  const { through, sequence } = isJsonObject(stored) ? stored : {}
  return {
    groupIds: bindNewUsers.mode === 'groups' ? bindNewUsers.groupIds : null,
    through: typeof through === 'number' ? through : 0,
    running: typeof sequence === 'number' ? sequence : null,
  }
}

/** Whether an entry has to be expanded before the log is followed beyond it. */
export const isExpanding = (entry: LogEntry, watch: Watch): boolean =>
  isCommand(entry) || isWatched(entry, watch)

const isCommand = (entry: LogEntry): boolean =>
  actionOf(entry) !== undefined || leavesImport(entry) !== undefined

const isWatched = ({ targetType, targetId, sequence }: LogEntry, watch: Watch): boolean =>
  targetType === 'group' && sequence > watch.through && (watch.groupIds ?? []).includes(targetId)

/** The expansion that the log begins with; undefined when its first entry needs none. */
export function expansionOf(entries: readonly LogEntry[], watch: Watch): Expansion | undefined {
  const [first] = entries
  if (first === undefined) return undefined
  const action = actionOf(first)
  if (action === undefined) return isWatched(first, watch) ? membership(entries, watch) : undefined
  const { sequence, touched } = first
  const follow = first.type === 'directory_update' ? watch.groupIds : null
  return {
    sequence,
    action: action === 'direct' && isUndoing(entries) ? 'directAgain' : action,
    undone: action === 'undo' ? sequenceOf(touched?.[0] ?? '') : null,
    phases: [...phasesOf(action, touched ?? []), ...(follow ?? []).map(membersOf)],
    groupIds: follow,
    isCommand: true,
  }
}

/** The log has the direction that an undoing sets, and the undoing, one right behind the other. */
const isUndoing = ([direction, next]: readonly LogEntry[]): boolean =>
  next?.type === 'undo' && next.sequence - 1 === direction?.sequence

function phasesOf(action: ExpansionAction, ids: readonly string[]): readonly ExpansionPhase[] {
  // Whatever such an event names, it is not resources.
  if (action === 'look' || action === 'direct') return [{ from: 'bindings', kind: 'user' }]
  if (action === 'undo') return EVERY_BINDING
  if (ids.length > 0) return [{ from: 'list', ids }]
  // Users first: a group that is bound before its members would have to wait for each of them.
  if (action === 'bind') return [{ from: 'users' }, { from: 'groups' }]
  return EVERY_BINDING
}

const EVERY_BINDING: readonly ExpansionPhase[] = [
  { from: 'bindings', kind: 'user' },
  { from: 'bindings', kind: 'group' },
]

const membersOf = (groupId: string): ExpansionPhase => ({ from: 'members', groupId })

/** So many members are looked at by name; of more the groups are walked. */
const MAX_NAMED = 5000

/**
 * Changes of the groups that stand at the beginning of the log, up to the next command, as one. What has begun is finished as it
 * began: otherwise groups that keep changing would make it start again and again.
 */
function membership(entries: readonly LogEntry[], watch: Watch): Expansion {
  const running = watch.running ?? 0
  const until = running >= (entries[0]?.sequence ?? 0) ? running : Infinity
  const end = entries.findIndex((entry) => isCommand(entry) || entry.sequence > until)
  const changes = entries
    .slice(0, end === -1 ? undefined : end)
    .filter((entry) => isWatched(entry, watch))
  const ids = [...new Set(changes.flatMap(({ touched }) => touched ?? []))]
  const isWhole =
    ids.length > MAX_NAMED ||
    changes.some(
      ({ type, touched }) => type === 'group_delete' || (touched ?? []).length > MAX_TOUCHED,
    )
  return {
    sequence: changes.at(-1)?.sequence ?? 0,
    action: 'follow',
    undone: null,
    phases: isWhole
      ? [{ from: 'bindings', kind: 'user' }, ...(watch.groupIds ?? []).map(membersOf)]
      : [{ from: 'list', ids }],
    groupIds: watch.groupIds,
    isCommand: false,
  }
}
