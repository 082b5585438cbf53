/** Processes that `dev` starts: their output with a name in front, and an end without orphans. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

export interface Child {
  readonly name: string
  readonly process: ChildProcess
  /** How it ended, as the rest of a sentence. */
  readonly ended: Promise<string>
  readonly hasEnded: () => boolean
}

/** What a process is started with; not Node's type, which the Worker's bindings have been merged into. */
export type Environment = Readonly<Record<string, string | undefined>>

export interface ChildOptions {
  readonly args: readonly string[]
  readonly environment: Environment
  /** Whether a line of output is worth showing. */
  readonly shows?: (line: string) => boolean
}

const GRACE_MS = 5000

/** Starts a Node program on the Node that runs this one. */
export function startChild(name: string, { args, environment, shows }: ChildOptions): Child {
  const child = spawn(process.execPath, args, {
    env: environment as NodeJS.ProcessEnv,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  show(name, child.stdout, shows)
  show(name, child.stderr, shows)
  let over = false
  const ended = new Promise<string>((resolve) => {
    const end = (how: string) => {
      over = true
      resolve(how)
    }
    child.once('error', (error) => end(`could not be started: ${error.message}`))
    child.once('exit', (code, signal) => end(`ended with ${signal ?? `code ${code}`}`))
  })
  return { name, process: child, ended, hasEnded: () => over }
}

function show(name: string, stream: Readable, shows: ChildOptions['shows']): void {
  createInterface({ input: stream }).on('line', (line) => {
    if (line.trim() !== '' && (shows?.(line) ?? true)) console.log(`${name} | ${line}`)
  })
}

/** Asks each to end, waits, and kills what has not ended after five seconds. Only processes that we started, by id. */
export async function stopChildren(children: readonly Child[]): Promise<void> {
  await Promise.all(children.map(stop))
}

async function stop(child: Child): Promise<void> {
  if (child.hasEnded()) return
  const family = await descendantsOf(child.process.pid)
  child.process.kill('SIGTERM')
  const late = AbortSignal.timeout(GRACE_MS)
  await Promise.race([
    child.ended,
    new Promise((resolve) => late.addEventListener('abort', resolve)),
  ])
  if (!child.hasEnded()) child.process.kill('SIGKILL')
  await child.ended
  await endLeftovers(family)
}

/** A runtime outlives its parent for a moment; one that stays is killed. */
async function endLeftovers(family: ReadonlyMap<number, string>): Promise<void> {
  for (let tries = 0; tries < 20; tries++) {
    const left = await stillRunning(family)
    if (left.length === 0) return
    if (tries === 19) for (const pid of left) kill(pid)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended meanwhile.
  }
}

/** The same process, not another that got its number: parent aside, number and command are compared. */
async function stillRunning(family: ReadonlyMap<number, string>): Promise<readonly number[]> {
  if (family.size === 0) return []
  const running = await listProcesses()
  return running.filter(({ pid, command }) => family.get(pid) === command).map(({ pid }) => pid)
}

async function descendantsOf(root: number | undefined): Promise<ReadonlyMap<number, string>> {
  const found = new Map<number, string>()
  if (root === undefined) return found
  const running = await listProcesses()
  const parents = [root]
  for (const parent of parents)
    for (const { pid, command } of running.filter((one) => one.parent === parent)) {
      found.set(pid, command)
      parents.push(pid)
    }
  return found
}

interface Running {
  readonly pid: number
  readonly parent: number
  readonly command: string
}

/** Empty where there is no `ps`: then nothing is ended but what was started directly. */
async function listProcesses(): Promise<readonly Running[]> {
  const ps = spawn('ps', ['-A', '-o', 'pid=,ppid=,args='], { stdio: ['ignore', 'pipe', 'ignore'] })
  const failed = new Promise<readonly Running[]>((resolve) => ps.once('error', () => resolve([])))
  return Promise.race([failed, readProcesses(ps.stdout)])
}

async function readProcesses(stream: Readable): Promise<readonly Running[]> {
  const text = (await stream.toArray()).join('')
  return text.split('\n').flatMap((line) => {
    const [, pid, parent, command] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? []
    return command === undefined ? [] : [{ pid: Number(pid), parent: Number(parent), command }]
  })
}
