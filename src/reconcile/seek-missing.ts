/**
 * Bound accounts that no page showed: behind pages of everybody, those that are gone perhaps, whatever earlier runs made of them; behind
 * pages of changes, those that were bound lately and whose values are to be imported. Each is asked for by its id before anything is said
 * of it.
 */
import { adoptedAccounts, missingAccounts, readAccounts } from '../db/compared-accounts.ts'
import { isEnding } from './compare.ts'
import type { ConnectedRun, StepResult } from './context.ts'
import { type Progress, readLink } from './progress.ts'

/** What one step takes of them: the list is a part of everything that the run stores. */
const PER_STEP = 200
/** A round that bound somebody may have been stored so long after it looked at the clock, and two clocks differ. */
const MARGIN_MS = 10 * 60_000

/** Puts the next of them on the list of those to be read by id; behind the last, it is the groups' turn. */
export function seekMissing(run: ConnectedRun): Promise<StepResult> {
  return run.progress.isWhole ? seekUnseen(run) : seekAdopted(run)
}

/** A page of changes tells once who was deleted; who is on no page of everybody is found by every run that reads those. */
async function seekUnseen(run: ConnectedRun): Promise<StepResult> {
  const { ports, key, progress, connection } = run
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
  const added = [...bindings].filter(([, row]) => !isEnding(row)).map(([graphId]) => graphId)
  return withRechecks(run, cursor, added)
}

/** What is exported to an adopted account, the drain has sent; what is imported of it, nobody has read. */
async function seekAdopted(run: ConnectedRun): Promise<StepResult> {
  const { ports, key, progress, directory, imports } = run
  const link = readLink(directory.deltaLink)
  if (imports.length === 0 || link === null) return found(progress)
  const place = { after: progress.cursor, since: link.takenAt - MARGIN_MS }
  const adopted = await adoptedAccounts(ports.database, key, place)
  const last = adopted.at(-1)
  return last === undefined ? found(progress) : withRechecks(run, last, adopted)
}

function withRechecks(
  { progress, ports }: ConnectedRun,
  cursor: string,
  graphIds: readonly string[],
): StepResult {
  const at = ports.clock.now()
  const added = graphIds.map((graphId) => ({ graphId, at }))
  return { progress: { ...progress, cursor, recheck: [...progress.recheck, ...added] } }
}

const found = (progress: Progress): StepResult => ({
  progress: {
    ...progress,
    phase: progress.groups.link === null ? 'groups' : 'groupPages',
    cursor: '',
  },
})
