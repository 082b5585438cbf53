/**
 * A consumer carries one run on, step by step: it reads pages of Graph's users one at a time, compares them, and stores where it
 * stands. It reads only; whoever dies in between leaves a run that the next one carries on from its last step.
 */
import { writeFailure } from '../db/failure.ts'
import {
  failRun,
  readRun,
  type RunStep,
  storeStep,
  type StoredRun,
} from '../db/reconciliation-store.ts'
import { readDirections, readSettings } from '../plan/configuration.ts'
import { comparedProperties } from '../plan/drift.ts'
import { importedNames } from '../plan/imported.ts'
import { exportedKeys } from '../plan/snapshot.ts'
import { failed } from './answers.ts'
import type { RunBell } from './bell.ts'
import { compareGroups } from './compare-groups.ts'
import {
  type ConnectedRun,
  type Counts,
  NO_COUNTS,
  type ReconcilePorts,
  type Run,
  type StepResult,
} from './context.ts'
import { finish } from './finish.ts'
import { whyNotActive } from './not-active.ts'
import { readLink, readProgress, startProgress, toJson } from './progress.ts'
import { readGroupPage } from './read-group-page.ts'
import { readPage } from './read-page.ts'
import { recheck, ripe } from './recheck.ts'
import { seekMissing } from './seek-missing.ts'
import { seekReports } from './seek-reports.ts'

/** Workers give a consumer fifteen minutes; a run stops well before and rings again. */
const MAX_MS = 10 * 60_000
/** Of a run that stores nothing for so long nobody takes care any more. */
const SILENCE_MS = 2 * 60_000
/** Accounts to be read again are a part of every step that is stored: they do not pile up. */
const MOST_TO_RECHECK = 1000

/** Whoever carries the run on would meet it again. */
const BUG = {
  code: 'internal',
  message: 'Something went wrong in the gateway.',
  whatToDo: 'Start it again; if it fails again, tell the operator of the gateway.',
}

export type RunResult =
  /** It is over, held, or somebody else's by now. */
  | { readonly kind: 'left'; readonly state: string; readonly steps: number }
  /** It goes on later; it has been rung for. */
  | { readonly kind: 'rung'; readonly afterSeconds: number; readonly steps: number }
  | { readonly kind: 'none' }

/** Carries a run on as far as it comes. Never throws for what may happen in operation. */
export async function reconcile(ports: ReconcilePorts, bell: RunBell): Promise<RunResult> {
  try {
    return await carryOn(ports, bell)
  } catch (thrown) {
    const failure = writeFailure(thrown)
    if (failure === undefined) {
      ports.reportBug(thrown, bell)
      await failRun(ports.database, bell, BUG, ports.clock.now())
    } else if (failure.kind !== 'refused') await ports.ring(bell, 60)
    // A step that was refused is somebody else's by now.
    return { kind: 'left', state: failure?.kind ?? 'failed', steps: 0 }
  }
}

async function carryOn(ports: ReconcilePorts, bell: RunBell): Promise<RunResult> {
  const startedAt = ports.clock.now()
  for (let steps = 0; ;) {
    const stored = await readRun(ports.database, bell)
    if (stored?.run.state !== 'running') return { kind: 'none' }
    let run: Run | 'changed' = await openRun(ports, bell, stored)
    // Until the directions or users are others than were read: then the run is read anew.
    for (;;) {
      const waiting = waitForRecheck(run)
      if (waiting > 0) return ringLater(run, waiting, steps)
      const step = await nextStep(run)
      steps += 1
      run = await store(run, step)
      if (run === 'changed') break
      await ringFor(run, step)
      if (run.row.state !== 'running') return { kind: 'left', state: run.row.state, steps }
      const { waitSeconds = 0 } = step
      if (waitSeconds > 0 || isSpent(run, startedAt)) return ringLater(run, waitSeconds, steps)
    }
  }
}

const isSpent = ({ ports: { clock, database, maxStatements } }: Run, startedAt: number): boolean =>
  clock.now() - startedAt > MAX_MS || database.meter.statements > maxStatements

/** What a step found is something to do for the directory, or for all of them. */
async function ringFor({ ports, key }: Run, step: StepResult): Promise<void> {
  const { organizationId, directoryId } = key
  if (step.rings === true) await ports.ring({ organizationId, directoryId })
  if (step.imports?.some(({ isChange }) => isChange) === true) await ports.ring({ organizationId })
}

async function ringLater({ ports, key }: Run, seconds: number, steps: number): Promise<RunResult> {
  const afterSeconds = Math.ceil(seconds)
  await ports.ring(key, afterSeconds)
  return { kind: 'rung', afterSeconds, steps }
}

/** The run with its configuration and a way to Graph, where there is one. */
async function openRun(
  ports: ReconcilePorts,
  key: RunBell,
  { run: row, directory, directions: rows }: StoredRun,
): Promise<Run> {
  const directions = readDirections(rows)
  const imports = importedNames(directions)
  const select = comparedProperties([...exportedKeys(directions), ...imports])
  const progress =
    row.progress === null
      ? startProgress({
          link: readLink(directory.deltaLink),
          // An attribute that is imported from now on may be one that was compared before, and reported only.
          select: [...select, ...imports.map((name) => `<${name}`)].join(','),
          mode: row.mode,
          onDemand: row.onDemand,
          now: row.startedAt,
        })
      : readProgress(row.progress)
  const counts: Counts = { ...NO_COUNTS, ...row.counts }
  const settings = readSettings(directory.settings)
  const directionsAt = Math.max(0, ...rows.map(({ sequence }) => sequence))
  const configuration = { directory, settings, directions, directionsAt, imports, select }
  const connection = await ports.connect(directory)
  return { ports, key, ...configuration, row, progress, counts, connection }
}

async function nextStep(open: Run): Promise<StepResult> {
  // What has been told to some is told to all, whatever became of the directory: they wait for each other.
  if (hasBegunToTell(open)) return finish(open)
  const run = connected(open)
  if (run === undefined) return failed(open, reasonOf(open))
  const { progress, ports } = run
  const isFull = progress.recheck.length > MOST_TO_RECHECK
  if ((progress.phase !== 'pages' || isFull) && ripe(progress, ports.clock.now()).length > 0)
    return recheck(run)
  if (progress.phase === 'pages') return readPage(run)
  if (progress.phase === 'missing') return seekMissing(run)
  if (progress.phase === 'groupPages') return readGroupPage(run)
  if (progress.phase === 'groups') return compareGroups(run)
  return progress.phase === 'reports' ? seekReports(run) : finish(run)
}

const hasBegunToTell = ({ progress }: Run): boolean =>
  progress.phase === 'end' && progress.cursor !== ''

/** A run whose directory can be reached. */
function connected(run: Run): ConnectedRun | undefined {
  const { connection, directory } = run
  return connection.ok && directory.state === 'active'
    ? { ...run, connection: connection.value }
    : undefined
}

function reasonOf({ connection, directory }: Run): Parameters<typeof failed>[1] {
  return connection.ok
    ? whyNotActive(directory.state, directory.stateReason)
    : { ...UNREADABLE, message: connection.error }
}

const UNREADABLE = {
  code: 'credential_unreadable',
  whatToDo: 'Give the directory its credential again, then start a reconciliation.',
}

/** Before who came back is looked up, and before the end is told of, everybody on the list has been read again. */
function waitForRecheck({ progress, ports }: Run): number {
  const isBehind = progress.phase === 'reports' || progress.phase === 'end'
  if (!isBehind || progress.recheck.length === 0) return 0
  const first = Math.min(...progress.recheck.map(({ at }) => at))
  return Math.max(0, (first - ports.clock.now()) / 1000)
}

/** Stores a step and gives the run after it; `changed` when it has to be read anew, since the directions or users are others. */
async function store(run: Run, step: StepResult): Promise<Run | 'changed'> {
  const { ports, key, row } = run
  const counts = step.counts ?? run.counts
  const state = step.state ?? 'running'
  try {
    await storeStep(ports.database, key, toStored(run, step))
  } catch (thrown) {
    const failure = writeFailure(thrown)
    if (failure?.kind === 'refused' && failure.name === 'imports') return 'changed'
    throw thrown
  }
  const after = { ...row, state, version: row.version + 1 }
  return { ...run, row: after, progress: step.progress, counts }
}

function toStored({ ports, row, directionsAt, counts }: Run, step: StepResult): RunStep {
  const now = ports.clock.now()
  return {
    state: 'running',
    drift: [],
    returned: [],
    imports: [],
    events: [],
    seen: null,
    deltaLink: undefined,
    error: null,
    ...step,
    version: row.version,
    progress: toJson(step.progress),
    counts: { ...counts, ...step.counts },
    dueAt: now + SILENCE_MS + (step.waitSeconds ?? 0) * 1000,
    now,
    directionsAt,
  }
}
