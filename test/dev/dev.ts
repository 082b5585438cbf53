/**
 * `npm run dev`: the main job on one machine, offline. Brings the local D1 up to date, starts the Graph emulator and the
 * gateway under `wrangler dev`, rings cron every minute, tells how to use it, and ends what it started.
 */
import { relative } from 'node:path'

import { type Child, stopChildren } from './children.ts'
import { cheatSheet } from './cheat-sheet.ts'
import { ringCrons } from './cron.ts'
import { startEmulator, startGateway, startPreparation, variablesOf } from './gateway.ts'
import { answerOf, baseUrl, isPortFree, untilAnswers } from './network.ts'
import { type DevOptions, helpText, parseDevOptions } from './options.ts'
import { openStateDirectory, type StateDirectory } from './state-directory.ts'

const START_TIMEOUT_MS = 60_000

/** A reason to stop that is no bug: its message is for the person at the terminal. */
class Trouble extends Error {}

async function checkPorts({ port, graph }: DevOptions): Promise<void> {
  const wanted = graph === undefined ? [port, port + 1] : [port]
  for (const each of wanted) {
    if (await isPortFree(each)) continue
    const role = each === port ? 'the gateway' : 'the Graph emulator (the port after --port)'
    throw new Trouble(
      `Port ${each}, which ${role} would take, is in use. Stop what listens there, or choose another with --port.`,
    )
  }
}

async function start(
  options: DevOptions,
  { state, children, stop }: { state: StateDirectory; children: Child[]; stop: AbortSignal },
): Promise<void> {
  const { port, graph } = options
  const variables = variablesOf(options, state.encryptionKey)
  const add = (child: Child): Child => {
    children.push(child)
    return child
  }
  const emulator = graph === undefined ? add(startEmulator(state, port + 1)) : undefined
  const preparation = startPreparation(state, variables)
  const how = await preparation.ended
  if (stop.aborted) return
  if (how !== 'ended with code 0')
    throw new Trouble(`The local database was not prepared: it ${how}.`)
  const gateway = add(startGateway(state, port, variables))
  if (emulator !== undefined) await ready(emulator, `${baseUrl(port + 1)}/_control/counters`, stop)
  await ready(gateway, `${baseUrl(port)}/healthz`, stop)
}

async function ready(child: Child, url: string, stop: AbortSignal): Promise<void> {
  const isOver = () => child.hasEnded() || stop.aborted
  const answered = await untilAnswers(url, { isOver, timeoutMs: START_TIMEOUT_MS })
  if (answered.ok || stop.aborted) return
  const start = `The ${child.name} process`
  if (answered.error !== undefined)
    throw new Trouble(`${start} answers ${url} with ${answered.error}`)
  throw new Trouble(
    child.hasEnded()
      ? `${start} ${await child.ended} before it was ready.`
      : `${start} did not answer ${url} within ${START_TIMEOUT_MS / 1000} s.`,
  )
}

async function announce(options: DevOptions, state: StateDirectory): Promise<void> {
  const base = baseUrl(options.port)
  const answers = async (path: string) => {
    const answer = await answerOf(`${base}${path}`)
    return answer !== undefined && answer.status < 400
  }
  console.log(
    cheatSheet({
      port: options.port,
      seconds: process.uptime(),
      state: relative('', state.path),
      graphUrl: variablesOf(options, state.encryptionKey)['GRAPH_BASE_URL'] ?? '',
      isEmulated: options.graph === undefined,
      hasReference: await answers('/api/v1/docs'),
      hasConsole: await answers('/console'),
    }),
  )
  process.send?.({ ready: true })
}

/** Resolves when a signal asks to stop, or whoever started us has gone. */
function untilAsked(stop: AbortController): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      stop.abort()
      resolve()
    }
    process.on('SIGINT', end)
    process.on('SIGTERM', end)
    process.on('SIGHUP', end)
    process.on('disconnect', end)
  })
}

async function run(options: DevOptions): Promise<number> {
  const opened = await openStateDirectory(options.state, options.fresh)
  if (!opened.ok) throw new Trouble(opened.error)
  await checkPorts(options)
  const state = opened.value
  state.claim(options.port)
  const children: Child[] = []
  const stop = new AbortController()
  const asked = untilAsked(stop)
  try {
    await start(options, { state, children, stop: stop.signal })
    if (stop.signal.aborted) return 0
    await announce(options, state)
    ringCrons(baseUrl(options.port), stop.signal)
    const deaths = children.map(async (child) => `The ${child.name} process ${await child.ended}.`)
    const death = await Promise.race([asked, ...deaths])
    if (death === undefined || stop.signal.aborted) return 0
    throw new Trouble(`${death} Everything else is stopped.`)
  } finally {
    stop.abort()
    await stopChildren(children, state.marker)
    state.release()
  }
}

const help = helpText('dev', process.argv.slice(2))
if (help !== undefined) {
  console.log(help)
  process.exit(0)
}
const options = parseDevOptions(process.argv.slice(2))
if (options.ok) {
  try {
    process.exitCode = await run(options.value)
  } catch (error) {
    if (!(error instanceof Trouble)) throw error
    console.error(error.message)
    process.exitCode = 1
  }
  if (process.connected) process.disconnect()
} else {
  console.error(options.error)
  process.exitCode = 2
}
