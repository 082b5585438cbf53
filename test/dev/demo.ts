/**
 * `npm run demo`: plays the recorded Entra ID cycle against a running `npm run dev` (starts one if none runs), waits
 * until everything is carried out, shows what Microsoft 365 then holds, and succeeds only if that is right.
 */
import { compare } from './comparison.ts'
import { loadCycle, loadExpected, type Part } from './cycle.ts'
import { awaitDelivery, describeDelay } from './delivery.ts'
import { DEMO } from './demo-credentials.ts'
import { type DevProcess, startDev } from './dev-process.ts'
import { type DemoOptions, helpText, parseDemoOptions } from './options.ts'
import { type Memory, newMemory, NoAnswer, play, WrongAnswer } from './player.ts'
import { showProgress } from './progress.ts'
import { describeComparison, describeTenant } from './report.ts'
import { presenceOf, type Running, runningOn, tenantState } from './running.ts'

const DELIVERY_TIMEOUT_MS = 3 * 60_000

/** A reason to stop that is no bug: its message is for the person at the terminal. */
class Trouble extends Error {}

/** The `dev` on the port; undefined when it runs already and so is not ours to stop. */
async function ensureDev(options: DemoOptions, running: Running): Promise<DevProcess | undefined> {
  const presence = await presenceOf(running)
  if (presence === 'stranger')
    throw new Trouble(
      `Something else than "npm run dev" answers on port ${options.port}. Stop it, or name another port with --port.`,
    )
  if (presence === 'isthmus' && options.fresh)
    throw new Trouble(
      `"npm run dev" runs on port ${options.port} already: stop it before --fresh, or start it with --fresh itself.`,
    )
  if (presence === 'isthmus') {
    console.log(`Using the gateway that runs on ${running.base}.`)
    return undefined
  }
  console.log('No gateway is running: starting one.')
  const fresh = options.fresh ? ['--fresh'] : []
  return startDev(['--port', String(options.port), '--state', options.state, ...fresh])
}

async function playCycle(running: Running): Promise<Memory> {
  const memory = newMemory()
  for (const part of loadCycle()) {
    const progress = showProgress(part.title, part.exchanges.length)
    let answered = 0
    const onAnswer = (): void => progress.set((answered += 1))
    try {
      await play([part], { base: running.base, token: DEMO.scimToken, memory, onAnswer })
    } finally {
      progress.end()
    }
  }
  return memory
}

const countOf = (parts: readonly Part[]): number =>
  parts.reduce((sum, { exchanges }) => sum + exchanges.length, 0)

async function demonstrate(running: Running): Promise<boolean> {
  console.log(`Playing ${countOf(loadCycle())} recorded requests of Entra ID.`)
  const memory = await playCycle(running)
  if (memory.found.size > 0)
    console.log(
      `${memory.found.size} users and groups were there from an earlier run and were not created again.`,
    )
  const delivery = await awaitDelivery(running, DELIVERY_TIMEOUT_MS)
  const held = await tenantState(running)
  if (held === undefined)
    throw new Trouble(
      `No Graph emulator answers on ${running.graph}, so what Microsoft 365 holds cannot be checked. Run the demo against "npm run dev" without --graph-url.`,
    )
  const comparison = compare(loadExpected(), held)
  console.log(`\n${describeTenant(held)}\n`)
  if (!delivery.isDone) console.log(describeDelay(delivery))
  console.log(describeComparison(comparison))
  return delivery.isDone && comparison.differences.length === 0
}

async function run(options: DemoOptions): Promise<boolean> {
  const running = runningOn(options.port)
  const dev = await ensureDev(options, running)
  try {
    return await demonstrate(running)
  } catch (error) {
    if (error instanceof WrongAnswer || error instanceof NoAnswer) throw new Trouble(error.message)
    throw error
  } finally {
    await dev?.stop()
  }
}

const help = helpText('demo', process.argv.slice(2))
if (help !== undefined) {
  console.log(help)
  process.exit(0)
}
const options = parseDemoOptions(process.argv.slice(2))
if (options.ok) {
  try {
    process.exitCode = (await run(options.value)) ? 0 : 1
  } catch (error) {
    if (!(error instanceof Trouble)) throw error
    console.error(error.message)
    process.exitCode = 1
  }
} else {
  console.error(options.error)
  process.exitCode = 2
}
