/** A group that somebody deleted in Microsoft 365. Nothing makes it anew but an administrator who asks for it. */
import { MEMBERS } from '../db/whole-group.ts'
import type { Round } from './context.ts'
import { type Draft, fail, isEnding, owe } from './draft.ts'
import { OBJECT_MISSING } from './settle.ts'

/** What an administrator reads of it. */
export const GROUP_GONE = {
  ...OBJECT_MISSING,
  message: 'The group does not exist in Microsoft 365 any more: somebody deleted it there.',
  whatToDo:
    'Replay this: the group is created anew with its members, under another id than Microsoft 365 knew it by. If it is to stay deleted, unbind it here.',
}

/** Whether this round found that the group is gone: then none of its members can be written either. */
export const isGone = (draft: Draft): boolean => draft.stopped && isToldGone(draft)

/** Whether its binding tells that the group is gone. */
export const isToldGone = ({ row }: Pick<Draft, 'row'>): boolean =>
  row.error?.['code'] === GROUP_GONE.code

/** Whether somebody asks for the group by a replay, a bind or an export. */
export const isAskedFor = ({ row, target }: Draft): boolean =>
  target.due && row.askedSequence !== null && !isEnding(row)

/**
 * What becomes of a group that Graph does not know when its name is sent: whoever asked for it, by a replay or a bind, has it made anew
 * with its members; else it has failed, and waits to be asked for.
 */
export function settleGoneGroup(round: Round, draft: Draft): void {
  if (draft.row.askedSequence === null) return fail(draft, GROUP_GONE)
  makeAnew(round, draft)
  owe(draft, round.ports.clock.now())
}

/**
 * Forgets the group that is gone, so that another one is planned. Should a replica have lagged that told so, no harm is done: the
 * create meets the group by its unique name.
 */
export function makeAnew(round: Round, draft: Draft): void {
  draft.row = {
    ...draft.row,
    graphId: null,
    snapshot: {},
    unknown: [MEMBERS],
    memberCursor: '',
    attempts: 0,
    error: null,
  }
  // The groups that it is in hold the old one: they let go of it, and wait for the new.
  round.parting.push(draft.target.id)
}
