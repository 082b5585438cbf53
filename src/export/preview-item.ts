/** What would become of one user, from what Graph holds now: the same decisions as a round of a drain. Pure. */
import type { UserRow } from '../db/round-store.ts'
import type { Json } from '../kernel/json.ts'
import { type Change, plannedChanges, type SeenUser } from '../plan/graph-user.ts'
import type { PlannedWrite, UserPlan } from '../plan/planned.ts'
import { isPartOfRemoval } from '../plan/removal.ts'
import { type BindingError, storedError } from './draft.ts'
import { type PreviewImport, previewImports } from './preview-imports.ts'
import { type Look, lookAt } from './preview-plan.ts'
import { foresee } from './preview-refusals.ts'
import { RESTORED } from './preview-return.ts'
import { personOf, type Setting, type Subject } from './preview-subject.ts'
import { targetIfApproved, targetOf } from './preview-target.ts'
import { errorOf } from './settle.ts'
import { REMOVAL_REJECTED } from './threshold.ts'

export interface PreviewItem {
  readonly userId: string
  readonly userName: string | null
  readonly graphId: string | null
  readonly action: 'create' | 'update' | 'none' | 'conflict'
  readonly changes: readonly PreviewChange[]
  /** What would be changed too, but for what Microsoft 365 refuses. */
  readonly refused: readonly PreviewChange[]
  readonly imports: readonly PreviewImport[]
  /** What would be changed of an account, or of its being enabled, once that is approved. */
  readonly ifApproved: readonly PreviewChange[]
  /** What an administrator should know: values that do not fit, what is refused, and why nothing can be done. */
  readonly problems: readonly BindingError[]
}

interface PreviewChange {
  readonly attribute: string
  readonly graph: string
  readonly current: Json
  readonly next: Json
}

/**
 * Says what the next export would do with the user; `held`: why the account is not disabled though it should be; `part`: the writes of
 * its plan that go out.
 */
export function previewItem(
  setting: Setting,
  subject: Subject,
  held: BindingError | undefined,
  part: (write: PlannedWrite) => boolean = () => true,
): PreviewItem {
  const { user } = subject
  const target = targetOf(setting, subject)
  if ('refused' in target) {
    const item = conflict(user, target.graphId, [target.refused])
    return { ...item, ifApproved: changesIfApproved(setting, subject) }
  }
  if (!subject.isCalled) return asItIs(setting, subject, target.graphId)
  const look = lookAt(setting, subject, target)
  const { seen, plan } = look
  const isHeld = (write: PlannedWrite) => held !== undefined && isPartOfRemoval(write)
  const writes = plan.writes.filter((write) => part(write) && !isHeld(write))
  const { done, refused, problems } = foresee(setting, subject, look, writes)
  const changes = changesOf(done, seen)
  const { comesBack } = target
  const isAsked = held !== undefined && held.code !== REMOVAL_REJECTED.code
  return {
    ...named(user),
    graphId: target.graphId,
    changes,
    refused: changesOf(refused, seen),
    action: actionOf(look, { changes, isRefused: refused.length > 0, isLeft: writes.length === 0 }),
    imports: previewImports(
      personOf(subject),
      setting.directions,
      { ...seen, ...comesBack?.write.sets },
      (graphId) => liveHolder(setting, graphId),
    ),
    ifApproved: isAsked ? without(sentBy(setting, subject, look), changes) : [],
    problems: [
      ...(comesBack === undefined ? [] : [RESTORED]),
      ...(held === undefined ? [] : [held]),
      ...problems,
      ...problemsOf(plan),
    ],
  }
}

/** What the whole plan changes. */
const sentBy = (setting: Setting, subject: Subject, look: Look): readonly PreviewChange[] =>
  changesOf(foresee(setting, subject, look).done, look.seen)

/** Why there is no other name first; then what does not fit. */
function problemsOf({ failure, problems }: UserPlan): readonly BindingError[] {
  const others = problems.map(({ code, message, whatToDo, attribute }) => ({
    code,
    message,
    whatToDo,
    ...(attribute === null ? {} : { attribute }),
  }))
  return failure === null ? others : [errorOf({ ...failure, attribute: 'email' }), ...others]
}

const without = (
  changes: readonly PreviewChange[],
  others: readonly PreviewChange[],
): readonly PreviewChange[] => {
  const names = new Set(others.map(({ attribute }) => attribute))
  return changes.filter(({ attribute }) => !names.has(attribute))
}

/** Nothing is sent of whoever is not called; what is held waits for its answer. */
function asItIs(setting: Setting, subject: Subject, graphId: string | null): PreviewItem {
  const { user, binding } = subject
  const error = binding && storedError(binding)
  const item = conflict(user, graphId, error === undefined ? [] : [error])
  if (binding?.state !== 'held') return { ...item, action: 'none' }
  return { ...item, ifApproved: changesIfApproved(setting, subject) }
}

/** Of an account that is held whatever an administrator answers, nothing. */
function changesIfApproved(setting: Setting, subject: Subject): readonly PreviewChange[] {
  const target = targetIfApproved(setting, subject)
  if (target === undefined || 'refused' in target) return []
  return sentBy(setting, subject, lookAt(setting, subject, target))
}

function liveHolder({ holders }: Setting, graphId: string): string | undefined {
  const holder = holders.get(graphId)
  return holder?.isFormer === false ? holder.resourceId : undefined
}

function changesOf(writes: readonly PlannedWrite[], seen: SeenUser): readonly PreviewChange[] {
  const changes: readonly (Change | PreviewChange)[] = plannedChanges({ writes }, seen)
  return writes.some(({ carriesPassword }) => carriesPassword) ? [...changes, PASSWORD] : changes
}

interface Outcome {
  readonly changes: readonly PreviewChange[]
  readonly isRefused: boolean
  readonly isLeft: boolean
}

/** Of whom nothing can be carried out, that is a conflict. */
function actionOf(
  { target, plan }: Look,
  { changes, isRefused, isLeft }: Outcome,
): PreviewItem['action'] {
  if (plan.failure !== null && isLeft) return 'conflict'
  if (target.comesBack !== undefined) return 'update'
  if (plan.action === 'create') return 'create'
  if (changes.length > 0) return 'update'
  return isRefused ? 'conflict' : 'none'
}

/** That there is a new one is told, and nothing of it. */
const PASSWORD: PreviewChange = {
  attribute: 'password',
  graph: 'passwordProfile.password',
  current: null,
  next: null,
}

const named = ({ id, resource: { userName } }: UserRow) => ({
  userId: id,
  userName: typeof userName === 'string' ? userName : null,
})

const conflict = (
  user: UserRow,
  graphId: string | null,
  problems: readonly BindingError[],
): PreviewItem => ({
  ...named(user),
  graphId,
  action: 'conflict',
  changes: [],
  refused: [],
  imports: [],
  ifApproved: [],
  problems,
})
