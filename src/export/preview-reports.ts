/**
 * Reports of the managers whom a bind gives an account, or whose account it finds again: bound before, they wait for it, and are written
 * as soon as it is there. So a preview of that bind tells of them as well. Pure.
 */
import { AWAY } from '../plan/drift.ts'
import { type BindingError, hasEnded } from './draft.ts'
import { idToLink } from './manager.ts'
import { type PreviewItem, previewItem } from './preview-item.ts'
import { personOf, type Setting, type Subject } from './preview-subject.ts'

/** Whether the user waits for one of those whom the bind is about, and will be called. */
export function waitsForOneOf(userIds: readonly string[], subject: Subject): boolean {
  const { managerId } = personOf(subject)
  return managerId !== null && userIds.includes(managerId) && isCalled(subject)
}

/** As a round's end calls whoever waits (db/waiting.ts): no account that is not there, or is another's, or not ours to write. */
function isCalled({ binding }: Subject): boolean {
  if (binding === undefined || hasEnded(binding) || binding.graphId === null) return false
  const { code } = binding.error ?? {}
  return code !== 'mastered_on_premises' && !AWAY.has(code)
}

/** What the coming of the manager's account makes of such a user: the link alone; undefined where nothing is written. */
export function reportItem(
  setting: Setting,
  subject: Subject,
  held: BindingError | undefined,
): PreviewItem | undefined {
  const { managers } = setting
  if (idToLink(managers.get(personOf(subject).managerId ?? '')) === undefined) return undefined
  const item = previewItem(setting, subject, held, ({ purpose }) => purpose === 'manager')
  const { changes, refused, problems } = item
  return changes.length + refused.length === 0
    ? undefined
    : { ...item, imports: [], ifApproved: [], problems: refused.length === 0 ? [] : problems }
}
