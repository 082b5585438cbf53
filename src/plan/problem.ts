/** What an administrator is told about a value that could not be carried over as it is: what, why, and what to do. */
import { isJsonArray, type Json } from '../kernel/json.ts'
import { attributeNamed } from './attributes.ts'
import type { SnapshotKey } from './snapshot.ts'

export type ProblemCode =
  /** Longer than Microsoft 365 takes: the beginning is exported. */
  | 'value_shortened'
  /** Held characters that Microsoft 365 refuses: the rest is exported. */
  | 'characters_removed'
  /** Cannot be made fit without becoming another value: Microsoft 365 keeps what it has. */
  | 'value_unusable'
  /** No userPrincipalName can be made for the user. */
  | 'principal_name_missing'
  | 'principal_name_invalid'
  /** The tenant has not verified the domain of the userPrincipalName. */
  | 'domain_not_verified'
  /** Somebody wrote another value after ours: it is left, and what was held before ours is not put back. */
  | 'changed_since'
  /** It was empty before ours, and Graph takes no blank for it: ours stays. */
  | 'cannot_be_emptied'
  /** Whom the account had as its manager before has none any more: it is left without one. */
  | 'manager_gone'

export interface Problem {
  readonly code: ProblemCode
  /** Null when it is about a group's name. */
  readonly attribute: SnapshotKey | null
  /** The domain that is not verified. */
  readonly domain?: string
  /** What Microsoft 365 holds, and what it held before our export. */
  readonly held?: Json
  readonly before?: Json
  /** What happened and why. */
  readonly message: string
  readonly whatToDo: string
}

/** What became of a value when it was made fit. */
export interface Loss {
  readonly value: string
  readonly removed: boolean
  readonly shortened: boolean
}

const labelOf = (attribute: SnapshotKey | null): string => {
  if (attribute === null) return 'The name of the group'
  return attribute === 'accountEnabled' ? 'Account enabled' : attributeNamed(attribute).label
}

/** The problems of a value of which something was lost; none when it was carried over whole. */
export function lossProblems(
  attribute: SnapshotKey | null,
  original: string,
  loss: Loss,
): readonly Problem[] {
  const label = labelOf(attribute)
  const problems: Problem[] = []
  if (loss.removed)
    problems.push({
      code: 'characters_removed',
      attribute,
      message: `${label} holds control characters or broken text that Microsoft 365 refuses: it is exported without them.`,
      whatToDo: `Remove the invisible characters from ${label} in the identity provider.`,
    })
  if (loss.shortened)
    problems.push({
      code: 'value_shortened',
      attribute,
      message: `${label} has ${original.length} characters, more than Microsoft 365 takes: only the first ${loss.value.length} are exported.`,
      whatToDo: `Shorten ${label} in the identity provider, or exclude it from this directory.`,
    })
  return problems
}

/** A value that is not exported at all, with the reason as the rest of a sentence about it. */
export function unusable(attribute: SnapshotKey, value: string, reason: string): Problem {
  const label = labelOf(attribute)
  return {
    code: 'value_unusable',
    attribute,
    message: `${label} "${value}" ${reason}: it is not exported, and Microsoft 365 keeps what it has.`,
    whatToDo: `Correct ${label} in the identity provider, or exclude it from this directory.`,
  }
}

/** A value that is not put back, because what Graph holds is neither ours nor what it held before. */
export function changedSince(attribute: SnapshotKey, held: Json, before: Json): Problem {
  const label = labelOf(attribute)
  return {
    code: 'changed_since',
    attribute,
    held,
    before,
    message: `${label} is ${shown(held)} in Microsoft 365, which is not what we exported: somebody changed it since, so it was left. Before our export it was ${shown(before)}.`,
    whatToDo: `Nothing, when ${shown(held)} is right. Otherwise set ${label} in Microsoft 365.`,
  }
}

/** A value of ours that stays where there was none before, because Graph cannot be told that there is none. */
export function cannotBeEmptied(attribute: SnapshotKey, held: Json): Problem {
  const label = labelOf(attribute)
  return {
    code: 'cannot_be_emptied',
    attribute,
    held,
    before: null,
    message: `${label} was empty in Microsoft 365 before our export, and Microsoft 365 does not let it be emptied once it is set: it stays ${shown(held)}.`,
    whatToDo: `Nothing, when ${shown(held)} is right. Otherwise choose another ${label} in Microsoft 365.`,
  }
}

/** A manager who cannot be given back to an account, since the account of that manager is gone; by Graph id. */
export const managerGone = (before: string): Problem => ({
  code: 'manager_gone',
  attribute: 'manager',
  held: null,
  before,
  message: `The manager whom the account had before (${before}) does not exist in Microsoft 365 any more: it has none now.`,
  whatToDo:
    'Nothing, when that is right. Otherwise restore the account of the manager in Microsoft 365 (Entra ID, Deleted users), and set the manager there.',
})

/** What an undoing tells of an account into which the bind has delivered a password: the one before is known to nobody. */
export const PASSWORD_STAYS = {
  code: 'cannot_be_put_back',
  attribute: 'password',
  message:
    'The bind has delivered a password of the identity provider into the account, and Microsoft 365 tells nobody which one it had before: the delivered one stays.',
  whatToDo:
    'Nothing, when whoever has the account knows that password. Otherwise reset it in Microsoft 365.',
} as const

/** What a job tells of whom something else was asked before it was through. */
export const ASK_UNBOUND = {
  code: 'unbound_since',
  message:
    'It was unbound or deleted, or its bind was undone, before this was through: what was left of this is not carried out.',
  whatToDo: 'Nothing, when it is to go. Otherwise bind it again.',
} as const
export const ASK_BOUND_AGAIN = {
  code: 'bound_again',
  message: 'It was bound again before this was through, and that bind stands.',
  whatToDo: 'Nothing, when it is to stay. Otherwise unbind it again.',
} as const

/** What an undoing tells of a user for whom it does nothing, because its bind is another one by now, or has ended. */
export const BOUND_AGAIN = {
  code: 'bound_again',
  message:
    'The user was bound again after this event, and that bind stands: nothing was put back into its account.',
  whatToDo:
    'Undo the later bind (eventId), or unbind the user. What this event overwrote is told here (before): set it in Microsoft 365 where it is to come back.',
} as const
export const BOUND_MEANWHILE = {
  code: 'bound_again',
  message:
    'The user was bound again before this was through, and that bind stands: what was put back into its account by then is overwritten again.',
  whatToDo: BOUND_AGAIN.whatToDo,
} as const
/** What it tells of a user whose manager, whose bind is undone, was bound again before that user was given back whom it had. */
export const MANAGER_BOUND_MEANWHILE = {
  code: 'bound_again',
  attribute: 'manager',
  message:
    'The manager was bound again before this was through, and that bind stands: the account is linked to that manager, whoever it had by then.',
  whatToDo:
    'Undo the later bind (eventId), which gives back whom the account had by then. Whom it had before this event is told here (before).',
} as const
export const UNDONE_MEANWHILE = {
  code: 'undone_meanwhile',
  message:
    'Something else was undone of the same user before this was through: what was still to be put back is put back by that, or what the account held before.',
  whatToDo:
    'See the job of the later undoing (eventId): it tells what became of this too. What was left by then is told here (before).',
} as const
export const BIND_UNDONE = {
  code: 'undone_meanwhile',
  message:
    'The bind of the user is being undone: that puts back what the account held before it, and lets go of the account.',
  whatToDo:
    'See the job of that undoing (eventId): it tells what becomes of this too. What this event overwrote is told here (before).',
} as const
/** What it tells of a value whose attribute was chosen for export again before it was put back. */
export const EXPORTED_AGAIN = {
  code: 'exported_again',
  message:
    'The attribute was chosen for export again before this was put back: what is here is exported instead.',
  whatToDo:
    'Undo the later choice (eventId), which gives back what it overwrites. What was to be put back is told here (before).',
} as const
export const UNBOUND_MEANWHILE = {
  code: 'unbound_since',
  message:
    'The user was unbound or deleted before this was through: nothing more was put back into its account.',
  whatToDo:
    'What was left by then is told here (before): set it in Microsoft 365 where it is to come back.',
} as const
export const UNBOUND_SINCE = {
  code: 'unbound_since',
  message:
    'The user was unbound or deleted after this event: nothing was put back into its account.',
  whatToDo:
    'What this event overwrote is told here (before): set it in Microsoft 365 where it is to come back.',
} as const

function shown(value: Json): string {
  if (value === null) return 'empty'
  return isJsonArray(value) ? value.map(shown).join(', ') : JSON.stringify(value)
}
