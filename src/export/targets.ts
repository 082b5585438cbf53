/**
 * Which resources a round looks at, in which order, and how far in the log it comes with them. Pure.
 *
 * Urgent events come first, then what is due, then the rest of the log. Meeting a resource twice is harmless, so both
 * readings of the log are coalesced into one target; the places where it was met say how far a position may move when
 * a target is not reached.
 */
import { MAX_TOUCHED } from '../db/event-log.ts'
import type { LogEntry, RoundLog } from '../db/round-store.ts'
import type { Json } from '../kernel/json.ts'
import { groupOf, membershipOf, REPORTED } from '../plan/drift.ts'
import { isExpanding, NOBODY_WATCHED, type Watch } from './expansion.ts'

export interface Target {
  readonly kind: 'user' | 'group'
  readonly id: string
  /** Its create event is among the entries: `bindNewUsers` and `bindNewGroups` are about it. */
  created: boolean
  /** Its suspension or deletion is among the entries. */
  removed: boolean
  /** Members that the log names, of a group. */
  readonly members: Set<string>
  /** More members were touched than an event names: all are to be compared. */
  whole: boolean
  /** What reconciliation found of a user or group, as its command names it; of a group's memberships, `{member}:{its Graph id}`. */
  readonly found: Set<string>
  /** What Graph is to hold of it, and what it holds instead, as far as that is told. */
  readonly ours: Map<string, Json>
  readonly theirs: Map<string, Json>
  /** Where the urgent and the ordinary reading met it first; null where they did not. */
  urgentAt: number | null
  ordinaryAt: number | null
  due: boolean
  /** Something is to be carried out: else a run that only reports has named it, which leads to no write. */
  mayWrite: boolean
  /** It changed, or is due: else a run that enforces has named it, and what was refused before stays refused. */
  mayRetry: boolean
  /** A run that enforces has named it: what follows for others, such as the links to an account that came back, it names too. */
  enforced: boolean
}

export interface Targets {
  readonly users: readonly Target[]
  readonly groups: readonly Target[]
  /** How far the round comes when it reaches every target. */
  readonly position: number
  readonly urgentPosition: number
  /** Whether the log or the due bindings hold more than was taken. */
  readonly more: boolean
}

export interface Caps {
  readonly users: number
  readonly groups: number
  readonly members: number
}

/** What one round can look at without a statement or an intent growing out of proportion. */
const ROUND_CAPS: Caps = { users: 100, groups: 40, members: 1600 }

/** The limits up to which the log was read; a shorter list means that it was read to its end. */
export interface Limits {
  readonly entries: number
  readonly due: number
}

/** Coalesces what was read of the log into targets, up to the first entry that has to be expanded. */
export function collectTargets(
  log: RoundLog,
  limits: Limits,
  watch: Watch = NOBODY_WATCHED,
  caps: Caps = ROUND_CAPS,
): Targets {
  const collected: Collected = { byId: new Map<string, Target>(), users: 0, groups: 0, members: 0 }
  const reading: Reading = { caps, isStop: (entry) => isExpanding(entry, watch) }
  // What is urgent is met again in its place in the log, where it is expanded.
  const urgent = takeEntries(collected, log.urgent, 'urgentAt', { ...reading, isStop: () => false })
  for (const due of log.due) {
    if (isFull(collected, caps)) break
    takeDue(collected, due)
  }
  const ordinary = takeEntries(collected, log.ordinary, 'ordinaryAt', reading)
  const targets = [...collected.byId.values()]
  const readToEnd = (list: readonly LogEntry[]) => list.length < limits.entries
  return {
    users: targets.filter(({ kind }) => kind === 'user'),
    groups: targets.filter(({ kind }) => kind === 'group'),
    position: ordinary ?? reached(log.ordinary, readToEnd(log.ordinary), log.head),
    urgentPosition: urgent ?? reached(log.urgent, readToEnd(log.urgent), log.head),
    more:
      ordinary !== null ||
      urgent !== null ||
      !readToEnd(log.ordinary) ||
      !readToEnd(log.urgent) ||
      log.due.length >= limits.due,
  }
}

/** How far the positions may move when these targets were not reached: to just before the first place they were met. */
export function positionsBefore(
  targets: Targets,
  unreached: readonly Target[],
): Pick<Targets, 'position' | 'urgentPosition'> {
  const before = (end: number, places: readonly (number | null)[]) =>
    Math.min(end, ...places.filter((place) => place !== null).map((place) => place - 1))
  return {
    position: before(
      targets.position,
      unreached.map((target) => target.ordinaryAt),
    ),
    urgentPosition: before(
      targets.urgentPosition,
      unreached.map((target) => target.urgentAt),
    ),
  }
}

interface Collected {
  readonly byId: Map<string, Target>
  users: number
  groups: number
  members: number
}

/** One of which only what reconciliation found is due has been named by it again, as it were. */
function takeDue(collected: Collected, { kind, resourceId, found }: RoundLog['due'][number]): void {
  const target = targetOf(collected, kind, resourceId)
  target.mayWrite = true
  if (found === null) {
    target.due = true
    target.mayRetry = true
    return
  }
  for (const name of found) {
    target.found.add(name)
    const [memberId = '', graphId] = name.split(':')
    if (kind === 'group' && graphId !== undefined && memberId !== DELETED)
      touch(collected, target, memberId)
  }
}

/** What a finding of an account, or a group, that is gone begins with. */
const DELETED = 'deleted'

interface Reading {
  readonly caps: Caps
  /** Whether an entry has to be expanded before it is taken. */
  readonly isStop: (entry: LogEntry) => boolean
}

/** Takes entries in order until a cap is reached, or one that concerns many; then answers the sequence before the first that was left. */
function takeEntries(
  collected: Collected,
  entries: readonly LogEntry[],
  place: 'urgentAt' | 'ordinaryAt',
  { caps, isStop }: Reading,
): number | null {
  for (const entry of entries) {
    if (isFull(collected, caps) || isStop(entry)) return entry.sequence - 1
    const mayWrite = !(entry.touched ?? []).includes(REPORTED)
    for (const target of targetsOf(collected, entry)) {
      target[place] ??= entry.sequence
      target.mayWrite ||= mayWrite
      target.mayRetry ||= entry.type !== 'drift_found'
      target.enforced ||= entry.type === 'drift_found' && mayWrite
    }
  }
  return null
}

function isFull(collected: Collected, caps: Caps): boolean {
  return (
    collected.users >= caps.users ||
    collected.groups >= caps.groups ||
    collected.members >= caps.members
  )
}

const reached = (entries: readonly LogEntry[], toEnd: boolean, head: number): number =>
  toEnd ? head : (entries.at(-1)?.sequence ?? head)

function targetsOf(collected: Collected, entry: LogEntry): readonly Target[] {
  const touched = entry.touched ?? []
  if (entry.type === 'drift_found') return foundTargets(collected, entry)
  if (entry.targetType === 'user') {
    const target = targetOf(collected, 'user', entry.targetId)
    if (entry.type === 'user_create') target.created = true
    if (entry.type === 'user_suspend' || entry.type === 'user_delete') target.removed = true
    // A deleted user is in no group any more: its event names those that it was in.
    const groups = touched.map((id) =>
      touch(collected, targetOf(collected, 'group', id), target.id),
    )
    return [target, ...groups]
  }
  if (entry.targetType !== 'group') return []
  const target = targetOf(collected, 'group', entry.targetId)
  if (entry.type === 'group_create') target.created = true
  if (touched.length > MAX_TOUCHED) target.whole = true
  else for (const id of touched) touch(collected, target, id)
  if (entry.type !== 'group_delete') return [target]
  target.removed = true
  // A deleted group is in no group any more either: among those that its event names are the ones that it was in.
  const groups = touched.filter((id) => id.startsWith('grp_'))
  return [
    target,
    ...groups.map((id) => touch(collected, targetOf(collected, 'group', id), target.id)),
  ]
}

/** A membership that was found otherwise is looked at with its group. */
function foundTargets(
  collected: Collected,
  { targetType, targetId, touched, ours, theirs }: LogEntry,
): readonly Target[] {
  const kind = targetType === 'group' ? 'group' : 'user'
  const names = (touched ?? []).filter((name) => name !== REPORTED)
  return names.map((name) => {
    const groupId = groupOf(name)
    if (groupId === undefined) {
      const target = targetOf(collected, kind, targetId)
      target.found.add(name)
      note(target.ours, name, ours?.get(name))
      note(target.theirs, name, theirs?.get(name))
      return target
    }
    const group = touch(collected, targetOf(collected, 'group', groupId), targetId)
    group.found.add(`${targetId}:${name.slice(membershipOf(groupId).length + 1)}`)
    return group
  })
}

function note(values: Map<string, Json>, name: string, value: Json | undefined): void {
  if (value !== undefined) values.set(name, value)
}

function touch(collected: Collected, target: Target, memberId: string): Target {
  if (!target.members.has(memberId)) collected.members += 1
  target.members.add(memberId)
  return target
}

function targetOf(collected: Collected, kind: 'user' | 'group', id: string): Target {
  const known = collected.byId.get(id)
  if (known !== undefined) return known
  const target: Target = {
    kind,
    id,
    created: false,
    removed: false,
    members: new Set(),
    whole: false,
    found: new Set(),
    ours: new Map(),
    theirs: new Map(),
    urgentAt: null,
    ordinaryAt: null,
    due: false,
    mayWrite: false,
    mayRetry: false,
    enforced: false,
  }
  collected.byId.set(id, target)
  collected[kind === 'user' ? 'users' : 'groups'] += 1
  return target
}
