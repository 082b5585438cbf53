/** The failure of a group that has members whose accounts, or groups, are gone in Microsoft 365. Pure. */
import type { BindingError } from './draft.ts'

/** So many ids of members an error tells. */
const MAX_TOLD = 5

/** What an administrator reads of a group whose members, by our ids, Graph does not know. What to do is about these, not about the group. */
export function missingError(memberIds: readonly string[]): BindingError {
  const more = memberIds.length - MAX_TOLD
  const told = [...memberIds.slice(0, MAX_TOLD), ...(more > 0 ? [`${more} more`] : [])]
  const members = memberIds.length === 1 ? 'A member of the group does' : 'Members of the group do'
  return {
    code: 'member_missing',
    message: `${members} not exist in Microsoft 365 any more: ${listOf(told)}.`,
    whatToDo: memberIds.every(isGroup) ? REPLACE_GROUP : REPLACE_ACCOUNT,
  }
}

const isGroup = (id: string): boolean => id.startsWith('grp_')

const listOf = (words: readonly string[]): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1) ?? ''}`

const REPLACE_GROUP =
  'Replay the failure of the member itself, which is a group, once a reconciliation has told of it: it is created anew, and put into this one by itself. Or take it out of this one.'

const REPLACE_ACCOUNT =
  'Start a reconciliation, which looks for the account in the recycle bin too; then do what the failure of the user itself says: restore the account, or, when it is gone for good, unbind the user and bind it again. Replay this if it still fails then. Or take the member out of the group.'
