/**
 * Users of one preview who would have one account, or one name: whoever comes first gets it, and nobody gives it away. Pure.
 */
import { foldCase } from '../kernel/fold.ts'
import { planFor } from './preview-item.ts'
import { nameToCreate, type Setting, type Subject } from './preview-subject.ts'
import { targetOf } from './preview-target.ts'

/** Adds who comes first, by the ids of those who come later. */
export function withRivals(setting: Setting, subjects: readonly Subject[]): Setting {
  const first = new Map<string, string>()
  const rivals = new Map<string, string>()
  for (const subject of subjects) {
    const { id } = subject.user
    const wanted = wantedBy(setting, subject)
    const rival = wanted.map((each) => first.get(each)).find((each) => each !== undefined)
    if (rival !== undefined && rival !== id) rivals.set(id, rival)
    else for (const each of wanted) first.set(each, id)
  }
  return rivals.size === 0 ? setting : { ...setting, rivals }
}

/** The account that would be adopted, and the name that would be made or taken. */
function wantedBy(setting: Setting, subject: Subject): readonly string[] {
  if (subject.binding?.graphId) return []
  const target = targetOf(setting, subject)
  if ('refused' in target || planFor(setting, subject)?.failure !== null) return []
  const name = nameToCreate(setting, subject)
  return [target.graphId, name === null ? null : `name ${foldCase(name)}`].filter(
    (each) => each !== null,
  )
}
