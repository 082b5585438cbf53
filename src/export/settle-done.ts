/** What becomes of a binding when one of its writes was answered OK. Pure but for the draft it is given. */
import type { Outcome } from '../graph/outcome.ts'
import { isJsonObject, type Json, type JsonObject } from '../kernel/json.ts'
import type { GroupSnapshot } from '../plan/group-plan.ts'
import type { PlannedWrite } from '../plan/planned.ts'
import { knownAfter } from '../plan/settle.ts'
import { isClearable, type Snapshot, SNAPSHOT_KEYS } from '../plan/snapshot.ts'
import { type Draft, owe } from './draft.ts'
import { unknownAfterRestore } from './former-account.ts'

/** What settling looks at of a write. */
export type SettledWrite = Omit<PlannedWrite<Snapshot | GroupSnapshot>, 'request'>

/** What Graph holds by now is known, and the tries begin anew. */
export function settleDone(
  draft: Draft,
  write: SettledWrite,
  outcome: Extract<Outcome, { kind: 'done' | 'alreadyDone' }>,
  now: number,
): void {
  if (write.restores !== undefined) return settleRestored(draft, write, write.restores, now)
  const body = outcome.kind === 'done' && isJsonObject(outcome.body) ? outcome.body : undefined
  const createdId = write.purpose === 'create' ? body?.['id'] : undefined
  const answered = { sets: definedOnly(write.sets), attributes: write.attributes }
  const known = knownAfter<JsonObject>(formerly(draft.row, write), answered, 'answered')
  const manager = known.snapshot['manager']
  noteSent(draft, write)
  draft.row = {
    ...draft.row,
    graphId: typeof createdId === 'string' ? createdId : draft.row.graphId,
    ...known,
    managerGraphId: typeof manager === 'string' ? manager : null,
    exportedAt: now,
    // Whoever is let in again may be locked out again, and that counts anew.
    takenAt: answered.sets['accountEnabled'] === true ? null : draft.row.takenAt,
    creatingAs: null,
    creatingSince: null,
    attempts: 0,
    error: null,
    restoring: stillRestoring(draft.row.restoring, write),
    ...(write.purpose === 'delete' ? { deletedAt: now } : {}),
    ...(write.purpose === 'create' ? { deletedAt: null } : {}),
  }
  draft.writes += 1
}

/** What the event of the round tells of a write, while the draft still knows what was there before it; of two writes of an attribute the first found it. */
function noteSent(draft: Draft, write: SettledWrite): void {
  const { row, sent } = draft
  const sets: JsonObject = definedOnly(write.sets)
  for (const name of write.attributes) {
    // What is put back as it was is none of ours, and so none of what the binding knows.
    const to = sets[name] === undefined ? row.restoring?.[name] : valueOf(name, sets[name])
    const from = sent.has(name) ? sent.get(name)?.from : formerValue(draft, write, name)
    sent.set(name, { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) })
  }
  if (write.carriesPassword) sent.set('password', {})
  if (write.purpose === 'delete')
    sent.set('deleted', { from: null, to: row.kind === 'user' ? 'recycle_bin' : 'gone' })
}

/** What Graph held of an attribute: what was read of it, else what we had exported; undefined when nobody knows. */
function formerValue(draft: Draft, { purpose }: SettledWrite, name: string): Json | undefined {
  const { row, target } = draft
  const read: Json | undefined = new Map(Object.entries(draft.held)).get(name)
  if (read !== undefined) return read
  if (purpose === 'create') return null
  if (row.unknown.includes(name)) return target.theirs.get(name)
  const ours = valueOf(name, row.snapshot[name])
  // Of what cannot be cleared it says that somebody else gave it.
  if (ours === null && SNAPSHOT_KEYS.some((key) => key === name && !isClearable(key)))
    return undefined
  // An account holds what it was created with, until somebody else writes it.
  return ours === undefined && isNewAccount(draft) ? null : ours
}

/** Whether this round has created the account. */
const isNewAccount = ({ before, row }: Draft): boolean =>
  row.adoptedAt === null && (before?.graphId ?? null) === null

/** Whoever is disabled, whether or not the sessions are ended yet, is not enabled. */
const valueOf = (name: string, value: Json | undefined): Json | undefined =>
  name === 'accountEnabled' && value === null ? false : value

/** What is known without what an account is given back: that is not ours. */
function formerly(
  { snapshot, unknown }: Draft['row'],
  { putsBack, attributes }: SettledWrite,
): Pick<Draft['row'], 'snapshot' | 'unknown'> {
  if (putsBack !== true) return { snapshot, unknown }
  const rest = Object.entries(snapshot).filter(([name]) => !attributes.includes(name))
  return { snapshot: Object.fromEntries(rest), unknown }
}

function settleRestored(draft: Draft, write: SettledWrite, graphId: string, now: number): void {
  draft.row = {
    ...draft.row,
    graphId,
    snapshot: definedOnly(write.sets),
    deletedAt: null,
    unknown: unknownAfterRestore(write),
    exportedAt: now,
    creatingAs: null,
    creatingSince: null,
    attempts: 0,
    error: null,
    approval: null,
    takenAt: null,
  }
  draft.writes += 1
  const { email } = definedOnly(write.sets)
  draft.sent.set('email', email === undefined ? {} : { to: email })
  // What the user is to hold by now is planned by the next round.
  owe(draft, now)
}

/** What was given back is sent once; an account is disabled again only when its sessions are ended too. */
function stillRestoring(restoring: JsonObject | null, write: SettledWrite): JsonObject | null {
  if (restoring === null || write.putsBack !== true) return restoring
  const isHalf = restoring['accountEnabled'] === false && write.purpose !== 'revoke'
  const rest = Object.entries(restoring).filter(
    ([name]) => !write.attributes.includes(name) || (name === 'accountEnabled' && isHalf),
  )
  return rest.length === 0 ? null : Object.fromEntries(rest)
}

function definedOnly(values: SettledWrite['sets']): JsonObject {
  const defined: Record<string, string | boolean | null> = {}
  for (const [name, value] of Object.entries(values)) if (value !== undefined) defined[name] = value
  return defined
}
