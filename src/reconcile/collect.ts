/** What a step found of its users, as it is stored: drift, imported values with their events, whom to read again. Pure. */
import type { NewEvent } from '../db/event-log.ts'
import { toRfc3339 } from '../kernel/time.ts'
import { type ImportChange, importPatch, isDifference } from '../plan/imported.ts'
import type { Compared, FoundRow } from './compare.ts'
import type { StepResult } from './context.ts'
import type { RunBell } from './bell.ts'
import type { Progress } from './progress.ts'

/** What was found of one account. */
export interface Finding {
  readonly graphId: string
  readonly userId: string
  readonly compared: Compared
}

/** The parts of a step that follow from its findings; the accounts that are to be read again join the list. */
export function collect(
  key: RunBell,
  progress: Progress,
  findings: readonly Finding[],
  now: number,
): Pick<StepResult, 'progress' | 'drift' | 'imports' | 'events'> {
  const again = findings.flatMap(({ graphId, compared: { recheckAt } }) =>
    recheckAt === null ? [] : [{ graphId, at: recheckAt }],
  )
  const ids = new Set(again.map(({ graphId }) => graphId))
  const kept = progress.recheck.filter(({ graphId }) => !ids.has(graphId))
  const importing = findings.filter(({ compared }) => compared.imports.length > 0)
  return {
    progress: { ...progress, recheck: [...kept, ...again] },
    drift: findings.flatMap(({ compared, ...who }) => [
      ...compared.drift,
      ...compared.imports.filter(isDifference).map((change) => importRow(who, change)),
    ]),
    imports: importing.map(({ userId, graphId, compared }) => ({
      userId,
      graphId,
      patch: importPatch(compared.imports, key.directoryId, toRfc3339(now)),
      isChange: isChange(compared),
    })),
    events: importing
      .filter(({ compared }) => isChange(compared))
      .map((finding) => importEvent(key, finding, now)),
  }
}

const isChange = ({ imports }: Compared): boolean => imports.some(isDifference)

const importRow = (
  { userId, graphId }: Omit<Finding, 'compared'>,
  { attribute, before, after }: ImportChange,
): FoundRow => ({ userId, graphId, attribute, direction: 'import', ours: before, theirs: after })

/** A change of the user like any other, which the other directories follow. */
function importEvent(key: RunBell, { userId, compared }: Finding, now: number): NewEvent {
  const { directoryId, reconciliationId } = key
  return {
    class: 'change',
    type: 'user_update',
    time: now,
    target: { type: 'user', id: userId },
    directoryId,
    actor: { type: 'system', id: null },
    changes: compared.imports
      .filter(isDifference)
      .map(({ attribute, before, counts }) => ({ attribute, from: before, to: counts })),
    details: { importedFrom: directoryId, reconciliationId },
  }
}
