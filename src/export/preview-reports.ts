/**
 * Reports of the managers whom a bind gives an account, or whose account it finds again: bound before, they wait for it, and are written
 * as soon as it is there. So a preview of that bind tells of them as well. Pure.
 */
import { isJsonArray, type Json } from '../kernel/json.ts'
import { type BindingError, hasEnded } from './draft.ts'
import { idToLink } from './manager.ts'
import { type PreviewItem, previewItem } from './preview-item.ts'
import { personOf, type Setting, type Subject } from './preview-subject.ts'

/** Whether the user waits for one of those whom the bind is about, and will be called. */
export function waitsForOneOf(userIds: readonly string[], subject: Subject): boolean {
  const { managerId } = personOf(subject)
  return managerId !== null && userIds.includes(managerId) && isCalled(subject)
}

/** As a round's end calls whoever waits: not an account that is another's, or not ours to write. One that is still to be created is written anyway. */
function isCalled({ binding }: Subject): boolean {
  if (binding === undefined || hasEnded(binding)) return false
  const { graphId, state, error } = binding
  if (graphId === null) return state === 'failed'
  return error?.['code'] !== 'mastered_on_premises'
}

/**
 * What the coming of the manager's account makes of such a user; undefined where nothing is written. Of one who has failed all that is
 * owed is tried again, but for what Graph refused while it took the rest; of any other nothing else is owed because of the bind.
 */
export function reportItem(
  setting: Setting,
  subject: Subject,
  held: BindingError | undefined,
): PreviewItem | undefined {
  const { managers } = setting
  if (idToLink(managers.get(personOf(subject).managerId ?? '')) === undefined) return undefined
  const item = previewItem(setting, subject, held)
  const { state, error } = subject.binding ?? {}
  const isTriedAgain = state === 'failed'
  const changes = item.changes.filter(
    ({ attribute }) =>
      attribute === 'manager' || (isTriedAgain && !namesOf(error?.['attributes']).has(attribute)),
  )
  if (changes.length === 0) return undefined
  const rest = isTriedAgain ? {} : { ifApproved: [], problems: [] }
  return { ...item, changes, imports: [], ...rest }
}

const namesOf = (attributes: Json | undefined): ReadonlySet<Json> =>
  new Set(isJsonArray(attributes) ? attributes : [])
