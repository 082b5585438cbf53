/**
 * userPrincipalNames that pass from one user to another (export.md section 5). Within a round the write that frees a name is
 * answered before the one that takes it is sent; names that are exchanged in a circle go through an intermediate one.
 */
import type { Outcome } from '../graph/outcome.ts'
import { foldCase } from '../kernel/fold.ts'
import type { PlannedWrite } from '../plan/planned.ts'
import { updateUser } from '../plan/requests.ts'
import type { UserWork } from './user-work.ts'

/** Whether the name that `write` takes is one that another user frees later in the round, or in the wave being packed. */
export function waitsForName(
  work: UserWork,
  write: PlannedWrite,
  works: readonly UserWork[],
  wave: readonly (readonly [UserWork, PlannedWrite])[],
): boolean {
  const name = nameOf(write)
  if (name === undefined) return false
  // Two that want one name must not ask for it at the same time.
  if (wave.some(([, taken]) => nameOf(taken) === name)) return true
  const holder = works.find((other) => other !== work && holds(other, name))
  if (holder === undefined) return false
  return isAboutToFree(holder, name) || wave.some(([other]) => other === holder)
}

const nameOf = ({ sets }: PlannedWrite): string | undefined =>
  typeof sets.email === 'string' ? foldCase(sets.email) : undefined

function holds({ draft }: UserWork, name: string): boolean {
  const held = draft.row.snapshot['email']
  return typeof held === 'string' && foldCase(held) === name
}

function isAboutToFree({ draft, queue, isIntended }: UserWork, name: string): boolean {
  if (draft.stopped || !isIntended) return false
  return queue.some((write) => {
    const next = nameOf(write)
    return write.purpose === 'delete' || (next !== undefined && next !== name)
  })
}

/** A rename to a name that nobody else has: the account's own id, under the domain of the name that it waits for. */
export function intermediateRename({ draft, queue }: UserWork): PlannedWrite {
  const wanted = queue[0]?.sets.email
  const domain = typeof wanted === 'string' ? wanted.slice(wanted.lastIndexOf('@')) : ''
  const name = `${(draft.row.graphId ?? '').replaceAll('-', '')}${domain}`
  return {
    purpose: 'update',
    request: (graphId) => updateUser(graphId, { userPrincipalName: name }),
    sets: { email: name },
    attributes: ['email'],
    carriesPassword: false,
  }
}

/** The Graph id of the account whose name a write wanted: when it is one of ours, it joins the next round. */
export function nameTakenBy(outcome: Outcome): string | undefined {
  return outcome.kind === 'conflict' && outcome.target === 'userPrincipalName'
    ? outcome.holderId
    : undefined
}
