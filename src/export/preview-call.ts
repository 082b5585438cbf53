/**
 * Whether what is previewed calls a user: a bind, or other directions. Whoever rests and is not called stays as it is, whatever is owed.
 * As `bind` and `look` of db/expansion-actions.ts choose. Pure.
 */
import type { PreviewKey } from '../db/preview-reader.ts'
import type { BindingRow } from '../db/round-store.ts'
import type { AttributeName, Direction } from '../plan/attributes.ts'
import { hasEnded, hasNoAccount } from './draft.ts'
import type { Subject } from './preview-subject.ts'

/** What is previewed, and of whom. */
export interface PreviewQuery extends PreviewKey {
  /** Whom a bind is about, and with them whoever is linked by it; undefined: the users that are bound. */
  readonly userIds: readonly string[] | undefined
  /** Directions as if they had been chosen just now. */
  readonly choices: ReadonlyMap<AttributeName, Direction>
  readonly after: string
  readonly limit: number
}

/** `looks`: see `Call`. */
export interface AskedQuery extends PreviewQuery {
  readonly looks: boolean
}

export const isAsked = ({ userIds }: PreviewQuery, { user }: Pick<Subject, 'user'>): boolean =>
  userIds === undefined || userIds.includes(user.id)

interface Call {
  /** The user is to be bound. */
  readonly binds: boolean
  /** A direction is chosen that sends something: everybody who is bound is looked at. One that ends sends nothing. */
  readonly looks: boolean
}

/** Whether anything is sent of somebody who is bound, or is to be. Whoever is due already is called by that. */
export function isCalled({ binds, looks }: Call, binding: BindingRow | undefined): boolean {
  if (binding === undefined || !isResting(binding)) return true
  const { state } = binding
  if (binds && (state !== 'held' || hasEnded(binding))) return true
  return looks && (state !== 'held' || !hasNoAccount(binding))
}

/** The binding as a bind leaves what was answered of it: what was rejected of somebody who stayed bound stays so. */
export function asCalled({ binds }: Call, binding: BindingRow): BindingRow {
  const isBound = binds && (binding.state !== 'held' || hasEnded(binding))
  const isKept = !isBound || (binding.approval === 'rejected' && binding.unboundBy === null)
  return isKept ? binding : { ...binding, approval: null }
}

const isResting = ({ dueAt, found, restDueAt }: BindingRow): boolean =>
  dueAt === null || (found !== null && restDueAt === null)
