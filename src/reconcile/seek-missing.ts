/** Bound accounts that no page of everybody showed: each is asked for by its id before anything is said of it. */
import { missingAccounts, readAccounts } from '../db/compared-accounts.ts'
import { isEnding } from './compare.ts'
import type { ConnectedRun, StepResult } from './context.ts'
import type { Progress } from './progress.ts'

/** What one step takes of them: the list is a part of everything that the run stores. */
const PER_STEP = 200

/** Puts the next of them on the list of those to be read by id; behind the last, what was found is carried on. */
export async function seekMissing(run: ConnectedRun): Promise<StepResult> {
  const { ports, key, progress, connection } = run
  if (!progress.seeksMissing) return found(progress)
  const { missing, last } = await missingAccounts(ports.database, key, progress.cursor)
  if (last === undefined) return found(progress)
  const taken = missing.slice(0, PER_STEP)
  const cursor = missing.length > taken.length ? (taken.at(-1) ?? last) : last
  if (taken.length === 0) return { progress: { ...progress, cursor } }
  const { bindings } = await readAccounts(ports.database, key, {
    graphIds: taken,
    withImports: false,
    managerIds: [],
    lanes: connection.lanes,
  })
  const at = ports.clock.now()
  const added = [...bindings]
    .filter(([, row]) => !isEnding(row))
    .map(([graphId]) => ({ graphId, at }))
  return { progress: { ...progress, cursor, recheck: [...progress.recheck, ...added] } }
}

const found = (progress: Progress): StepResult => ({
  progress: { ...progress, phase: 'end', cursor: '' },
})
