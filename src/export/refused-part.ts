/**
 * A refusal that is about a part of what a user owes: the sensitive properties of a privileged account, or a password. The rest
 * is sent, and afterwards the binding has failed with what was refused.
 */
import type { Outcome } from '../graph/outcome.ts'
import { type AttributeName, attributeNamed, isAttributeName } from '../plan/attributes.ts'
import type { PlannedWrite } from '../plan/planned.ts'
import { isSensitive, withoutSensitive } from '../plan/sensitive.ts'
import { type BindingError, isEnding } from './draft.ts'
import { errorOf } from './settle.ts'
import type { UserWork } from './user-work.ts'

/** Takes the refusal of a part into the work; false when the outcome concerns everything that the user owes. */
export function takeRefusedPart(work: UserWork, write: PlannedWrite, outcome: Outcome): boolean {
  if (outcome.kind === 'privilegedTarget' && isPart(write)) {
    const rest = write.purpose === 'update' ? withoutSensitive(write) : undefined
    // Nobody was disabled, so no sessions are ended: an answer to that would count the account as disabled.
    const queue = work.queue.filter(({ purpose }) => purpose !== 'revoke')
    work.queue = rest === undefined ? queue : [rest, ...queue]
    const names = [...(work.refused?.attributes ?? []), ...namesOf(write)]
    work.refused = privileged(outcome, names)
    return true
  }
  if (outcome.kind === 'masteredOnPremises' && isEnding(work.draft.row)) {
    work.queue = []
    work.refused = errorOf({ ...outcome, code: 'mastered_on_premises' })
    return true
  }
  if (!isPasswordRefused(write, outcome)) return false
  work.refused = { ...errorOf(outcome), attributes: ['password'] }
  return true
}

/** What Graph refuses of a write to a privileged account, by API name. */
export const namesOf = ({ carriesPassword, attributes }: PlannedWrite): readonly string[] =>
  carriesPassword ? ['password'] : attributes.filter(isSensitive)

/** Whether the rest is sent where something sensitive of a write is refused. */
export const isPart = ({ purpose, putsBack }: PlannedWrite): boolean =>
  putsBack !== true && (purpose === 'update' || purpose === 'password')

type Explained = Extract<Outcome, { kind: 'permanent' | 'authError' }>

function isPasswordRefused({ purpose }: PlannedWrite, outcome: Outcome): outcome is Explained {
  if (purpose !== 'password') return false
  if (outcome.kind === 'authError') return outcome.scope === 'operation'
  return outcome.kind === 'permanent' && outcome.afterSeconds === undefined
}

function privileged(
  outcome: Extract<Outcome, { kind: 'privilegedTarget' }>,
  attributes: readonly string[],
): BindingError {
  const error = errorOf({ ...outcome, code: 'privileged_target' })
  const message = `${error.message} Not exported: ${labelsOf(attributes)}; everything else was.`
  return { ...error, message, attributes }
}

/** These attributes as Microsoft 365 calls them. */
export const labelsOf = (attributes: readonly string[]): string =>
  attributes.map((name) => (isAttributeName(name) ? labelOf(name) : OTHERS)).join(', ')

const labelOf = (name: AttributeName): string => attributeNamed(name).graphLabel
/** accountEnabled, which is no attribute that anybody directs. */
const OTHERS = 'whether the account is enabled'
