/**
 * Gives an account back what it held before a bind or a direction that was undone: one PATCH, then what Graph wants on its own. Only a
 * value that is still ours is put back; what somebody else wrote since is left, and told. What is given back is not ours: of all of
 * it the snapshot learns the name alone, by which a former account is known.
 */
import { isJsonArray, type Json, type JsonObject } from '../kernel/json.ts'
import { ATTRIBUTES } from './attributes.ts'
import { isSameInGraph } from './drift.ts'
import type { PlannedWrite, UserPlan, UserPlanInput } from './planned.ts'
import { cannotBeEmptied, changedSince } from './problem.ts'
import { updateUser } from './requests.ts'
import {
  type Held,
  isClearable,
  type Snapshot,
  SNAPSHOT_KEYS,
  type SnapshotKey,
  type SnapshotValue,
} from './snapshot.ts'
import { disableWrites, managerWrites } from './update-user.ts'
import type { OrgData } from './user-body.ts'

interface PutBackInput extends Pick<
  UserPlanInput,
  'graphBase' | 'binding' | 'current' | 'isYoung'
> {
  /** The whole of employeeOrgData as a write before sets it; undefined when none does. */
  readonly orgData?: OrgData | undefined
  /** What we would send, whatever the directions: a write that has no answer may have carried it. */
  readonly desired: Snapshot
}

type PutBack = Pick<UserPlan, 'writes' | 'needs' | 'problems' | 'readsAgain'>

/** The writes that make an account hold `held` again, as far as it is ours to say; what it holds now has to be read first. */
export function putBackWrites(input: PutBackInput, held: Held): PutBack {
  const keys = SNAPSHOT_KEYS.filter((key) => held[key] !== undefined)
  const needs = neededOf(keys, input.current)
  if (needs.length > 0) return { writes: [], needs, problems: [], readsAgain: false }
  const fates = Map.groupBy(keys, (key) => fateOf(key, held[key] ?? null, input))
  const now = (key: SnapshotKey): Json => input.current?.[key] ?? null
  return {
    writes: writesOf(input, held, fates.get('ours') ?? []),
    needs,
    problems: [
      ...(fates.get('changed') ?? []).map((key) => changedSince(key, now(key), held[key] ?? null)),
      ...(fates.get('stuck') ?? []).map((key) => cannotBeEmptied(key, now(key))),
    ],
    readsAgain: fates.has('unclear'),
  }
}

const isWritable = (key: SnapshotKey, value: Json): boolean => value !== null || isClearable(key)

const ORG_DATA: readonly SnapshotKey[] = ['costCenter', 'division']

/** Of employeeOrgData, which is written as a whole, the rest has to be known too. */
function neededOf(keys: readonly SnapshotKey[], current: Held | undefined): SnapshotKey[] {
  const rest = keys.some((key) => ORG_DATA.includes(key)) ? ORG_DATA : []
  return [...new Set([...keys, ...rest])].filter((key) => current?.[key] === undefined)
}

/**
 * Whether the account still holds what we sent (`ours`; `stuck` where Graph does not take what it held before), holds what it held
 * before (`there`), or what somebody else wrote (`changed`). Short after an export a replica may show the account as it was before
 * that: then what looks put back is put back all the same, which does no harm, and what looks like another hand's says nothing yet
 * (`unclear`). What looks ours is put back at once: a replica may lack what was written last whenever it is asked, so that waiting
 * would only expose another moment.
 */
function fateOf(
  key: SnapshotKey,
  before: Json,
  { binding, current, isYoung, desired }: PutBackInput,
): 'ours' | 'stuck' | 'there' | 'changed' | 'unclear' {
  const now = current?.[key] ?? null
  const isUnknown = binding.unknown.includes(key)
  if (isSame(key, before, now)) {
    if (isWritable(key, before)) return isYoung === true || isUnknown ? 'ours' : 'there'
    return isYoung === true ? 'unclear' : 'there'
  }
  // Of a write without an answer nobody knows whether it was carried out: both what it found and what it said are ours.
  const sent = [binding.snapshot[key], isUnknown ? desired[key] : undefined]
  if (sent.some((value) => isOurs(key, value, now)))
    return isWritable(key, before) ? 'ours' : 'stuck'
  return isYoung === true ? 'unclear' : 'changed'
}

function isSame(key: SnapshotKey, before: Json, now: Json): boolean {
  if (isJsonArray(before)) return JSON.stringify(before) === JSON.stringify(now)
  return isSnapshotValue(before) && isSameInGraph(key, before, now)
}

const isSnapshotValue = (value: Json): value is SnapshotValue =>
  value === null || typeof value === 'string' || typeof value === 'boolean'

/** Between disabling an account and ending its sessions a snapshot says neither. */
function isOurs(key: SnapshotKey, sent: Json | undefined, now: Json): boolean {
  if (sent === undefined) return false
  return isSame(key, key === 'accountEnabled' ? (sent ?? false) : sent, now)
}

function writesOf(
  { graphBase, current, orgData }: PutBackInput,
  held: Held,
  keys: readonly SnapshotKey[],
): readonly PlannedWrite[] {
  const back: Held = Object.fromEntries(keys.map((key) => [key, held[key] ?? null]))
  const properties = keys.filter((key) => key !== 'manager' && back[key] !== false)
  const writes: readonly PlannedWrite[] = [
    ...(back.accountEnabled === false ? disableWrites() : []),
    ...patch(back, properties, { ...current, ...orgData }),
    ...manager(graphBase, back.manager),
  ]
  return writes.map((write) => {
    const given = Object.entries(back).filter(([key]) => write.attributes.includes(key))
    return { ...write, putsBack: true, back: Object.fromEntries(given) }
  })
}

function patch(back: Held, keys: readonly SnapshotKey[], rest: Held): readonly PlannedWrite[] {
  if (keys.length === 0) return []
  const body = bodyOf(back, keys, rest)
  const { email } = back
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

function bodyOf(back: Held, keys: readonly SnapshotKey[], rest: Held): JsonObject {
  const body: Record<string, Json> = {}
  if (keys.includes('accountEnabled')) body['accountEnabled'] = true
  for (const { name, graph, kind } of ATTRIBUTES) {
    if (name === 'password' || !keys.includes(name)) continue
    const value = back[name] ?? null
    if (kind === 'text') body[graph] = value
    if (kind === 'collection') body[graph] = listOf(value)
    if (kind === 'orgData')
      body[graph] = Object.fromEntries(
        ORG_DATA.map((key) => [key, (key in back ? back[key] : rest[key]) ?? null]),
      )
  }
  return body
}

function listOf(value: Json): Json {
  if (isJsonArray(value)) return value
  return value === null ? [] : [value]
}

const manager = (graphBase: string, id: Json | undefined): readonly PlannedWrite[] =>
  id === null || typeof id === 'string'
    ? managerWrites(graphBase, id).map((write) => ({ ...write, sets: {} }))
    : []
