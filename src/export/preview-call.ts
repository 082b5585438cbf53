/**
 * Whether what is previewed calls a user: a bind, or other directions. Whoever rests and is not called stays as it is, whatever is owed.
 * As `bind` and `look` of db/expansion-actions.ts choose. Pure.
 */
import type { BindingRow } from '../db/round-store.ts'
import { hasEnded } from './draft.ts'

/** What is previewed. */
interface Call {
  /** The user is to be bound. */
  readonly binds: boolean
  /** A direction is chosen that sends something: everybody who is bound is looked at. One that ends sends nothing. */
  readonly looks: boolean
}

/** Whether anything is sent of somebody who is bound, or is to be. Whoever is due already is called by that. */
export function isCalled({ binds, looks }: Call, binding: BindingRow | undefined): boolean {
  if (binding === undefined || !isResting(binding)) return true
  const { state, graphId } = binding
  if (binds && (state !== 'held' || hasEnded(binding))) return true
  return looks && (state !== 'held' || graphId !== null)
}

/** The binding as a bind leaves what was answered of it: what was rejected of somebody who stayed bound stays so. */
export function asCalled({ binds }: Call, binding: BindingRow): BindingRow {
  const isBound = binds && (binding.state !== 'held' || hasEnded(binding))
  const isKept = !isBound || (binding.approval === 'rejected' && binding.unboundBy === null)
  return isKept ? binding : { ...binding, approval: null }
}

const isResting = ({ dueAt, found }: BindingRow): boolean => dueAt === null || found !== null
