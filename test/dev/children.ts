/** Processes that `dev` starts: their output with a name in front, and an end without orphans. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

import { sleep } from './network.ts'

export interface Child {
  readonly name: string
  readonly process: ChildProcess
  /** How it ended, as the rest of a sentence. */
  readonly ended: Promise<string>
  readonly hasEnded: () => boolean
  /** Shows no more output: what a process says while it is being ended is no news. */
  readonly mute: () => void
}

/** What a process is started with; not Node's type, which the Worker's bindings have been merged into. */
export type Environment = Readonly<Record<string, string | undefined>>

export interface ChildOptions {
  readonly args: readonly string[]
  readonly environment: Environment
  /** Handed down to everything that it starts in turn, so that all of it is found again. */
  readonly marker: string
  /** Whether a line of output is worth showing. */
  readonly shows?: (line: string) => boolean
}

const MARKER = 'ISTHMUS_DEV_RUN'
const GRACE_MS = 5000

/** Starts a Node program on the Node that runs this one. */
export function startChild(name: string, options: ChildOptions): Child {
  const child = spawn(process.execPath, options.args, {
    env: { ...options.environment, [MARKER]: options.marker } as unknown as NodeJS.ProcessEnv,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let isMuted = false
  let over = false
  const shows = (line: string) => !isMuted && line.trim() !== '' && (options.shows?.(line) ?? true)
  show(name, child.stdout, shows)
  show(name, child.stderr, shows)
  const ended = new Promise<string>((resolve) => {
    const end = (how: string) => {
      over = true
      resolve(how)
    }
    child.once('error', (error) => end(`could not be started: ${error.message}`))
    child.once('exit', (code, signal) => end(`ended with ${signal ?? `code ${code}`}`))
  })
  const mute = (): void => {
    isMuted = true
  }
  return { name, process: child, ended, hasEnded: () => over, mute }
}

function show(name: string, stream: Readable, shows: (line: string) => boolean): void {
  createInterface({ input: stream }).on('line', (line) => {
    if (shows(line)) console.log(`${name} | ${line}`)
  })
}

/** Asks each to end, and kills what has not ended after five seconds: the children, and what they left behind. */
export async function stopChildren(children: readonly Child[], marker: string): Promise<void> {
  const running = children.filter((child) => !child.hasEnded())
  for (const child of running) {
    child.mute()
    child.process.kill('SIGTERM')
  }
  const allEnded = Promise.all(running.map((child) => child.ended))
  // Not waiting any longer must not keep this process alive.
  await Promise.race([allEnded, sleep(GRACE_MS, { keepsAlive: false })])
  for (const child of running) if (!child.hasEnded()) child.process.kill('SIGKILL')
  await allEnded
  await endMarked(marker)
}

/**
 * Ends the processes of a run, by id: a runtime whose parent was killed does not end by itself. Where `ps` cannot show
 * environments nothing is found, and nothing is ended.
 */
export async function endMarked(marker: string): Promise<void> {
  for (let tries = 0; tries < 20; tries++) {
    const left = await markedProcesses(marker)
    if (left.length === 0) return
    // A runtime outlives its parent for a moment.
    if (tries >= 4) for (const pid of left) kill(pid)
    await sleep(50)
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended meanwhile.
  }
}

async function markedProcesses(marker: string): Promise<readonly number[]> {
  const showEnvironment = process.platform === 'darwin' ? 'axEww' : 'axeww'
  const text = (await ps(showEnvironment, '-o', 'pid=,args=')) ?? ''
  return text
    .split('\n')
    .filter((line) => line.includes(`${MARKER}=${marker}`))
    .map((line) => Number.parseInt(line, 10))
    .filter((pid) => pid !== process.pid)
}

/** The command line of a process; undefined where it cannot be told. */
export async function commandOf(pid: number): Promise<string | undefined> {
  return ps('-p', String(pid), '-o', 'args=')
}

async function ps(...args: readonly string[]): Promise<string | undefined> {
  const child = spawn('ps', args, { stdio: ['ignore', 'pipe', 'ignore'] })
  const failed = new Promise<undefined>((resolve) => child.once('error', () => resolve(undefined)))
  const text = child.stdout.toArray().then((parts) => parts.join(''))
  return Promise.race([failed, text])
}
