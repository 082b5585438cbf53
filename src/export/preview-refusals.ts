/**
 * What Microsoft 365 will refuse of what is sent to a user, as far as what was read shows that, and what is left undone with it: as a round
 * takes refusals (refused-part.ts, manager.ts, settle.ts). Pure.
 */
import { MASTERED_ON_PREMISES } from '../graph/outcome-texts.ts'
import type { PlannedWrite } from '../plan/planned.ts'
import { managerGone } from '../plan/problem.ts'
import { isSensitiveWrite, sensitiveOf, withoutSensitive } from '../plan/sensitive.ts'
import { managerWrites } from '../plan/update-user.ts'
import type { BindingError } from './draft.ts'
import { MANAGER_MISSING, mayHoldAnother } from './manager.ts'
import { type Look, lookAt, lookFor } from './preview-plan.ts'
import type { Setting, Subject } from './preview-subject.ts'
import { isPart, labelsOf, namesOf } from './refused-part.ts'
import { errorOf, valueTaken } from './settle.ts'

/** What becomes of the writes of a plan. */
export interface Foreseen {
  /** What is carried out. */
  readonly done: readonly PlannedWrite[]
  /** What is refused, and what is not even sent behind it. */
  readonly refused: readonly PlannedWrite[]
  readonly problems: readonly BindingError[]
}

/** What becomes of a write that is refused. */
interface Refusal {
  readonly refused: readonly PlannedWrite[]
  /** What is sent next. */
  readonly left: readonly PlannedWrite[]
  readonly problem: BindingError
}

/** Says what becomes of writes of the plan of `look`, each of which goes out when the one before was answered. */
export function foresee(
  setting: Setting,
  subject: Subject,
  look: Look,
  writes: readonly PlannedWrite[] = look.plan.writes,
): Foreseen {
  const done: PlannedWrite[] = []
  const refused: PlannedWrite[] = []
  const problems = new Map<string, BindingError>()
  let left = writes
  for (let [write] = left; write !== undefined; [write] = left) {
    const behind = left.slice(1)
    const refusal =
      refusalOf(setting, subject, write, behind) ?? lostLink(setting, subject, look, left)
    left = refusal?.left ?? behind
    if (refusal === undefined) done.push(write)
    else {
      refused.push(...refusal.refused)
      const { problem } = refusal
      problems.set(problem.code, withBoth(problems.get(problem.code), problem))
    }
  }
  return { done, refused, problems: [...problems.values()] }
}

/** The new name of the user's account, or the name of the one that is made; undefined where it stays, also where it has to. */
export function newNameOf(setting: Setting, subject: Subject): string | undefined {
  const look = lookFor(setting, subject)
  if (look === undefined) return undefined
  // Whether it is taken is what is asked of the name.
  const { done } = foresee({ ...setting, taken: new Map() }, subject, look)
  return done.map(({ sets }) => sets.email).find((name) => typeof name === 'string')
}

/** Whether Graph refuses everything, or everything from a write on, or a part of a write. */
function refusalOf(
  { accounts, taken }: Setting,
  { user }: Subject,
  write: PlannedWrite,
  behind: readonly PlannedWrite[],
): Refusal | undefined {
  const account = accounts.get(user.id)
  const all = { refused: [write, ...behind], left: [] }
  if (account?.isSynced === true)
    return { ...all, problem: errorOf({ code: 'mastered_on_premises', ...MASTERED_ON_PREMISES }) }
  if (account?.isPrivileged === true && isSensitiveWrite(write))
    return { ...(isPart(write) ? part(write, behind) : all), problem: privileged(namesOf(write)) }
  const holder = taken.get(user.id)
  if (holder === undefined || typeof write.sets.email !== 'string') return undefined
  return { ...all, problem: valueTaken('userPrincipalName', holder) }
}

/** What is sensitive of a write is refused, and nobody who is not disabled loses the sessions; the rest is sent. */
function part(write: PlannedWrite, behind: readonly PlannedWrite[]): Omit<Refusal, 'problem'> {
  const rest = withoutSensitive(write)
  const { revoke = [], other = [] } = Object.groupBy(behind, ({ purpose }) =>
    purpose === 'revoke' ? 'revoke' : 'other',
  )
  return {
    refused: [sensitiveOf(write), ...revoke],
    left: rest === undefined ? other : [rest, ...other],
  }
}

/** To a manager whose account is not there nobody is linked: the link to a former one goes all the same, and everything else goes on. */
function lostLink(
  setting: Setting,
  subject: Subject,
  { target, plan }: Look,
  [write, ...behind]: readonly PlannedWrite[],
): Refusal | undefined {
  const wanted = write === undefined ? undefined : linkIn(write)
  if (write === undefined || wanted === undefined || !setting.gone.has(wanted)) return undefined
  const refused = [write]
  if (write.putsBack === true) {
    const restoring = { ...target.restoring, manager: null }
    const without = lookAt(setting, subject, { ...target, restoring }).plan
    const left = [...without.writes.filter(({ purpose }) => purpose === 'manager'), ...behind]
    return { refused, left, problem: errorOf({ ...managerGone(wanted), attribute: 'manager' }) }
  }
  const known = { snapshot: plan.known, unknown: plan.unknown }
  const left = [...(mayHoldAnother(known, wanted) ? managerWrites('', null) : []), ...behind]
  return { refused, left, problem: MANAGER_MISSING }
}

/** The Graph id of the manager whom a write links. */
export function linkIn({ purpose, sets, back }: PlannedWrite): string | undefined {
  const manager = purpose === 'manager' ? (sets.manager ?? back?.manager) : undefined
  return typeof manager === 'string' ? manager : undefined
}

const privileged = (attributes: readonly string[]): BindingError => ({
  code: 'privileged_target',
  message: `The account has an administrator role, or is in a group that may have one: Microsoft 365 does not let the application change this of it: ${labelsOf(attributes)}.`,
  whatToDo:
    'Under Roles and administrators in Entra ID, assign the application the role Privileged Authentication Administrator, which takes effect with its next token; or change the account by hand.',
  attributes,
})

/** Of two refusals for the same reason one is told. */
const withBoth = (before: BindingError | undefined, problem: BindingError): BindingError =>
  before?.attributes === undefined
    ? problem
    : privileged([...before.attributes, ...(problem.attributes ?? [])])
