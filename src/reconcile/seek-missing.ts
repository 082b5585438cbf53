/** Bound accounts that no page of everybody showed: each is asked for by its id before anything is said of it. */
import { missingAccounts, readAccounts } from '../db/compared-accounts.ts'
import { isEnding } from './compare.ts'
import type { ConnectedRun, StepResult } from './context.ts'

const PER_STEP = 80

/** Puts the next of them on the list of those to be read by id; behind the last, what was found is carried on. */
export async function seekMissing({
  ports,
  key,
  progress,
  connection,
}: ConnectedRun): Promise<StepResult> {
  const { database, clock } = ports
  const found = progress.seeksMissing
    ? await missingAccounts(database, key, progress.cursor, PER_STEP)
    : []
  const last = found.at(-1)
  if (last === undefined) return { progress: { ...progress, phase: 'end', cursor: '' } }
  const { bindings } = await readAccounts(database, key, {
    graphIds: found,
    withImports: false,
    managerIds: [],
    lanes: connection.lanes,
  })
  const at = clock.now()
  const added = [...bindings]
    .filter(([, row]) => !isEnding(row))
    .map(([graphId]) => ({ graphId, at }))
  return { progress: { ...progress, cursor: last, recheck: [...progress.recheck, ...added] } }
}
