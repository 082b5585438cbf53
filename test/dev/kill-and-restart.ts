/**
 * `npm run demo:kill`: the gateway, its runtime and the emulator are killed without warning in the middle of the Entra ID
 * cycle and of the export, and started again on the same state. In the end nothing that was acknowledged may be missing
 * in Microsoft 365, and nothing may be there twice.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { compare } from './comparison.ts'
import { loadCycle, loadExpected } from './cycle.ts'
import { awaitDelivery, describeDelay } from './delivery.ts'
import { DEMO } from './demo-credentials.ts'
import { type DevProcess, startDev } from './dev-process.ts'
import { isPortFree, sleep } from './network.ts'
import { helpText, parseKillOptions } from './options.ts'
import { plantSecrets, readableSecrets } from './planted-secrets.ts'
import { type Memory, newMemory, NoAnswer, play } from './player.ts'
import { describeComparison } from './report.ts'
import { type Counters, graphCounters, type Running, runningOn, tenantState } from './running.ts'

/** After how many acknowledged requests the kills come: among the creates, among the members. */
const KILLS = [137, 290] as const
/** The lease of a dead holder expires after 60 s, and its successor waits another 20 s. */
const DELIVERY_TIMEOUT_MS = 5 * 60_000
/** Small, so that the export is still under way when it is killed. */
const SLOW = ['--var', 'GRAPH_WRITE_QUOTA=20/1']

interface Run {
  readonly running: Running
  readonly memory: Memory
  readonly start: () => Promise<DevProcess>
  /** What the emulator counted in each of its lives. */
  readonly lives: Counters[]
}

/** Plays on until `kill` requests have been acknowledged (undefined: to the end); true when it came to the end. */
async function playUntil(run: Run, dev: DevProcess, kill: number | undefined): Promise<boolean> {
  const { memory, running } = run
  let death: Promise<void> | undefined
  const onAnswer = (): void => {
    if (kill !== undefined && memory.done.size >= kill) death ??= killNow(run, dev)
  }
  try {
    await play(loadCycle(), { base: running.base, token: DEMO.scimToken, memory, onAnswer })
    return true
  } catch (error) {
    if (!(error instanceof NoAnswer) || death === undefined) throw error
    return false
  } finally {
    await death
  }
}

async function killNow({ running, lives }: Run, dev: DevProcess): Promise<void> {
  const counters = await graphCounters(running)
  if (counters !== undefined) lives.push(counters)
  await dev.killAll()
}

const owes = async ({ running }: Run): Promise<number> => {
  const held = await tenantState(running)
  return held === undefined ? 0 : compare(loadExpected(), held).differences.length
}

/** Everything is acknowledged; the export is not at its end. */
async function killDuringExport(run: Run, dev: DevProcess): Promise<number> {
  await sleep(500)
  const open = await owes(run)
  await killNow(run, dev)
  return open
}

async function torment(run: Run): Promise<DevProcess> {
  let dev = await run.start()
  for (const kill of KILLS) {
    const ended = await playUntil(run, dev, kill)
    if (ended) throw new Error('the cycle was over before it was killed')
    console.log(`Killed after ${run.memory.done.size} steps; starting again.`)
    dev = await run.start()
  }
  await playUntil(run, dev, undefined)
  console.log('The whole cycle is acknowledged.')
  const open = await killDuringExport(run, dev)
  console.log(`Killed while the export runs, ${open} differences from the end; starting again.`)
  return run.start()
}

interface Check {
  readonly name: string
  readonly isRight: boolean
}

/** Where `wrangler dev` keeps the database. */
const databaseOf = (state: string): string => join(state, 'v3')

/** Whatever died where it stood, nothing secret stands readable in the database's files. */
async function verifySecrets({ running }: Run, state: string): Promise<Check> {
  const found = readableSecrets(databaseOf(state), await plantSecrets(running))
  const name = found.length === 0 ? 'no secret is readable' : `readable: ${found.join(', ')}`
  return { name: `${name} in the files of the database`, isRight: found.length === 0 }
}

async function verify(run: Run): Promise<readonly Check[]> {
  const delivery = await awaitDelivery(run.running, DELIVERY_TIMEOUT_MS)
  if (!delivery.isDone) console.log(describeDelay(delivery))
  const held = await tenantState(run.running)
  const last = await graphCounters(run.running)
  if (held === undefined || last === undefined) throw new Error('the Graph emulator is gone')
  const lives = [...run.lives, last]
  const comparison = compare(loadExpected(), held)
  console.log(describeComparison(comparison))
  const most = (name: keyof Counters) => Math.max(...lives.map((life) => life[name]))
  const { length: users } = held.users
  const { length: people } = loadExpected().users
  return [
    { name: `nothing is owed (after ${Math.round(delivery.seconds)} s)`, isRight: delivery.isDone },
    {
      name: 'everything that was acknowledged arrived',
      isRight: comparison.differences.length === 0,
    },
    {
      // Whoever left before the export came to them never got an account.
      name: `${users} accounts for ${people} people, nobody has two`,
      isRight: users <= people && most('duplicateCreates') === 0,
    },
    {
      name: 'never two writes at once on one object',
      isRight: most('maxWritesInFlightPerObject') <= 1,
    },
  ]
}

async function run(port: number, keep: boolean): Promise<boolean> {
  for (const each of [port, port + 1])
    if (!(await isPortFree(each)))
      throw new Error(`port ${each} is in use; choose another with --port`)
  const state = mkdtempSync(join(tmpdir(), 'isthmus-kill-'))
  const current: { dev?: DevProcess } = {}
  const start = async (): Promise<DevProcess> => {
    const args = ['--port', String(port), '--state', state, ...SLOW]
    current.dev = await startDev(args, { ownGroup: true })
    return current.dev
  }
  try {
    const whole: Run = { running: runningOn(port), memory: newMemory(), start, lives: [] }
    await torment(whole)
    const checks = [...(await verify(whole)), await verifySecrets(whole, state)]
    console.log(
      checks.map(({ name, isRight }) => `  ${isRight ? 'yes' : 'NO '}  ${name}`).join('\n'),
    )
    return checks.every(({ isRight }) => isRight)
  } finally {
    await current.dev?.stop()
    if (keep) console.log(`The state is kept in ${state}`)
    else rmSync(state, { recursive: true, force: true })
  }
}

const help = helpText('demo:kill', process.argv.slice(2))
if (help !== undefined) {
  console.log(help)
  process.exit(0)
}
const options = parseKillOptions(process.argv.slice(2))
if (options.ok) {
  try {
    process.exitCode = (await run(options.value.port, options.value.keep)) ? 0 : 1
  } catch (error) {
    console.error(
      `The run could not be finished: ${error instanceof Error ? error.message : String(error)}`,
    )
    process.exitCode = 1
  }
} else {
  console.error(options.error)
  process.exitCode = 2
}
