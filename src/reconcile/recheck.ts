/** Accounts of which a page was not certain are read again by their ids, twenty in an envelope. */
import { readAccounts } from '../db/compared-accounts.ts'
import { MOST_PER_ENVELOPE } from '../graph/batch.ts'
import type { Outcome } from '../graph/outcome.ts'
import { readEach } from '../graph/read-each.ts'
import { isJsonObject } from '../kernel/json.ts'
import { getDeleted, getUserWithManager, type GraphRequest } from '../plan/requests.ts'
import { afterFailure } from './answers.ts'
import { collect, type Finding } from './collect.ts'
import { compareMissing, compareUser, type Comparison, type ToldUser } from './compare.ts'
import type { ConnectedRun, StepResult } from './context.ts'
import { configurationOf } from './owed.ts'
import type { Progress } from './progress.ts'

/** Four envelopes a step, one after another: reading in the background leaves Graph to those who write. */
const PER_STEP = 4 * MOST_PER_ENVELOPE

/** The accounts whose time has come. */
export const ripe = ({ recheck }: Progress, now: number): readonly Progress['recheck'][number][] =>
  recheck.filter(({ at }) => at <= now).slice(0, PER_STEP)

/** Reads what is ripe. What Graph gave no clear answer about stays on the list. */
export async function recheck(run: ConnectedRun): Promise<StepResult> {
  const ids = ripe(run.progress, run.ports.clock.now()).map(({ graphId }) => graphId)
  // Outside of delta queries a manager is no property that can be selected.
  const select = run.select.filter((name) => name !== 'manager')
  const outcomes = await readById(run, ids, (id) => getUserWithManager(id, select))
  const missing = ids.filter((id) => outcomes.get(id)?.kind === 'missing')
  const deleted = await readById(run, missing, (id) => getDeleted(id))
  const clear = ids.filter((id) => isClear(outcomes.get(id), deleted.get(id)))
  const unclear = [...outcomes.values(), ...deleted.values()].find((outcome) => !isClear(outcome))
  const later = unclear === undefined ? undefined : await afterFailure(run, unclear)
  if (clear.length === 0 && later !== undefined) return later
  const told = new Map(clear.flatMap((id) => toldBy(id, outcomes.get(id))))
  const step = await settle(run, clear, told, deleted)
  return later?.waitSeconds === undefined ? step : { ...step, waitSeconds: later.waitSeconds }
}

async function settle(
  run: ConnectedRun,
  clear: readonly string[],
  told: ReadonlyMap<string, ToldUser>,
  deleted: ReadonlyMap<string, Outcome>,
): Promise<StepResult> {
  const { ports, key, progress, connection } = run
  const accounts = await readAccounts(ports.database, key, {
    graphIds: clear,
    withImports: run.imports.length > 0,
    managerIds: [...told.values()].flatMap(({ manager }) => manager ?? []),
    lanes: connection.lanes,
  })
  const now = ports.clock.now()
  const { imports } = run
  const { directoryId } = key
  const comparison: Comparison = {
    directoryId,
    ...configurationOf(run),
    imports,
    accounts,
    manner: 'byId',
    now,
  }
  const findings = clear.flatMap((graphId): Finding[] => {
    const row = accounts.bindings.get(graphId)
    const user = told.get(graphId)
    const compared =
      user === undefined
        ? compareMissing(
            comparison,
            graphId,
            deleted.get(graphId)?.kind === 'done' ? 'recycle_bin' : 'gone',
          )
        : compareUser(comparison, user)
    if (row === undefined || compared === undefined) return []
    return [{ graphId, userId: row.resourceId, compared }]
  })
  const done = new Set(clear)
  const left = progress.recheck.filter(({ graphId }) => !done.has(graphId))
  const next = { ...progress, recheck: left, attempts: 0 }
  const present = findings.filter(({ graphId }) => told.has(graphId))
  return { ...collect(key, next, findings, now), returned: present.map(({ userId }) => userId) }
}

const readById = (
  { connection }: ConnectedRun,
  ids: readonly string[],
  requestOf: (id: string) => GraphRequest,
): Promise<ReadonlyMap<string, Outcome>> =>
  readEach(connection.transport, new Map(ids.map((id) => [id, requestOf(id)])), 1)

/** Whether the account was read, or is known to be gone; of whoever is missing the recycle bin has to have answered too. */
function isClear(outcome: Outcome | undefined, inRecycleBin?: Outcome): boolean {
  if (outcome?.kind === 'done') return true
  if (outcome?.kind !== 'missing') return false
  return inRecycleBin === undefined || isClear(inRecycleBin)
}

function toldBy(id: string, outcome: Outcome | undefined): [string, ToldUser][] {
  if (outcome?.kind !== 'done' || !isJsonObject(outcome.body)) return []
  const { manager, ...properties } = outcome.body
  const managerId = isJsonObject(manager) ? manager['id'] : null
  return [[id, { id, properties, manager: typeof managerId === 'string' ? managerId : null }]]
}
