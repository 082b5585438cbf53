/**
 * An account that we deleted, and that a bind would bring back from the recycle bin in place of a create. It is chosen, and given to the
 * same person only, as a round does it. Pure.
 */
import type { DeletedAccount } from '../db/deleted-accounts.ts'
import { domainOf } from '../plan/verified-domain.ts'
import { formerAccountError } from './adoption.ts'
import type { BindingError } from './draft.ts'
import { formerAccountsOf, isSamePerson, restore, unknownAfterRestore } from './former-account.ts'
import {
  type Configuration,
  nameToCreate,
  type Setting,
  type Subject,
  type Target,
} from './preview-subject.ts'

/** Gives each of the subjects that would be created the deleted account that stands in the way of it. */
export function withDeletedAccounts(
  configuration: Configuration,
  subjects: readonly Omit<Subject, 'deleted'>[],
  deleted: readonly DeletedAccount[],
): readonly Subject[] {
  const wishes = subjects.flatMap((subject) => {
    const { user: person, binding, importedFrom } = subject
    const hasAccount = importedFrom !== null || binding?.graphId
    const name = hasAccount ? null : nameToCreate(configuration, subject)
    return name === null ? [] : [{ person, name }]
  })
  const accounts = formerAccountsOf(wishes, deleted)
  return subjects.map((subject) => ({ ...subject, deleted: accounts.get(subject.user.id) }))
}

/**
 * The account as it comes back, or why it does not; undefined where another one is created, or the name is somebody else's by now.
 * `isApproved`: an administrator says that both are the same person.
 */
export function returned(
  setting: Setting,
  subject: Subject,
  isApproved: boolean,
): Target | undefined {
  const { user, deleted } = subject
  const held = setting.recycleBin.get(user.id)
  const name = nameToCreate(setting, subject)
  if (deleted === undefined || held === undefined || name === null) return undefined
  // Under a name that Microsoft 365 refuses nobody is created, and nobody comes back.
  if (setting.verifiedDomains?.has(domainOf(name)) === false) return undefined
  const { graphId } = deleted
  if (!isApproved && !isSamePerson(user, deleted))
    return { graphId, refused: formerAccountError(name, deleted.resourceId) }
  // Graph refuses the name, and the account that has it by now is adopted, or held.
  if (setting.accounts.has(user.id)) return undefined
  const write = restore(deleted, name)
  return {
    graphId,
    snapshot: write.sets,
    unknown: unknownAfterRestore(write),
    exportedSequence: Number.MAX_SAFE_INTEGER,
    comesBack: { write, held },
  }
}

/** What an administrator reads of an account that comes back. */
export const RESTORED: BindingError = {
  code: 'restored_from_recycle_bin',
  message:
    'The account that this user had was deleted when the user was deleted or unbound here, and is in the recycle bin of Microsoft 365. It comes back from there with all that it had, groups and licences among it, and no new one is created.',
  whatToDo:
    'Nothing when the user is to have this account again. For a new one delete it in Microsoft 365 for good (Entra ID, Deleted users), then preview again.',
}
