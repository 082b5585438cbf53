/**
 * Whose manager's account came back: the links to it went with it, and no page of changes shows that, so that each of them is asked for by
 * its id. Pages of everybody have shown it.
 */
import { reportsOfReturned } from '../db/told-links.ts'
import type { ConnectedRun, StepResult } from './context.ts'

/** Puts the next of them on the list of those to be read by id; behind the last, what was found is carried on. */
export async function seekReports({ ports, key, progress }: ConnectedRun): Promise<StepResult> {
  const reports = progress.isWhole
    ? []
    : await reportsOfReturned(ports.database, key, progress.cursor)
  const last = reports.at(-1)
  if (last === undefined) return { progress: { ...progress, phase: 'end', cursor: '' } }
  const at = ports.clock.now()
  const recheck = [...progress.recheck, ...reports.map((graphId) => ({ graphId, at }))]
  return { progress: { ...progress, cursor: last, recheck } }
}
