/** The directory that holds what `dev` keeps between runs: D1, the emulated tenant, the encryption key. */
import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { err, ok, type Result } from '../../src/kernel/result.ts'
import { commandOf, endMarked } from './children.ts'

/** Says that a directory is ours, and which `dev` used it last. */
const MARKER = 'dev.json'

export interface StateDirectory {
  readonly path: string
  readonly encryptionKey: string
  /** Where the emulator keeps its tenant. */
  readonly graph: string
  /** Writes the secrets to a file that wrangler reads. */
  readonly writeSecrets: (secrets: Readonly<Record<string, string>>) => string
  /** Environment that keeps wrangler's own files here, away from other projects. */
  readonly environment: Readonly<Record<string, string>>
  /** Says who uses it now: a port, and the mark of the processes that belong to the run. */
  readonly claim: (port: number) => void
  readonly marker: string
  readonly release: () => void
}

/** Opens or makes it; with `fresh` what it held is deleted, which is refused for a directory that is not ours. */
export async function openStateDirectory(
  path: string,
  fresh: boolean,
): Promise<Result<StateDirectory, string>> {
  const inUse = await userOf(path)
  if (inUse !== undefined)
    return err(
      `The state in ${path} is in use by the "npm run dev" on port ${inUse.port} (process ${inUse.pid}). Stop that one, or choose another directory with --state.`,
    )
  if (existsSync(path) && !isOurs(path))
    return err(
      `${path} holds other files than the state of "npm run dev". Choose an empty directory with --state.`,
    )
  if (fresh) rmSync(path, { recursive: true, force: true })
  mkdirSync(path, { recursive: true })
  const file = join(path, MARKER)
  const marker = randomUUID()
  if (!existsSync(file)) writeFileSync(file, '{}\n')
  return ok({
    path,
    encryptionKey: keptKey(join(path, 'encryption-key')),
    graph: join(path, 'graph'),
    writeSecrets: (secrets) => writeEnvironmentFile(join(path, 'secrets.env'), secrets),
    environment: {
      WRANGLER_REGISTRY_PATH: join(path, 'registry'),
      WRANGLER_CACHE_DIR: join(path, 'cache'),
    },
    claim: (port) =>
      writeFileSync(file, `${JSON.stringify({ pid: process.pid, port, marker } satisfies User)}\n`),
    marker,
    release: () => writeFileSync(file, '{}\n'),
  })
}

const isOurs = (path: string): boolean =>
  existsSync(join(path, MARKER)) || readdirSync(path).length === 0

/** The `dev` that holds the directory now; what one that was killed has left behind is ended first. */
async function userOf(path: string): Promise<User | undefined> {
  const { pid, port, marker } = readUser(path)
  if (pid === undefined || port === undefined || marker === undefined) return undefined
  if (isRunning(pid) && (await isDev(pid))) return { pid, port, marker }
  await endMarked(marker)
  return undefined
}

interface User {
  readonly pid: number
  readonly port: number
  readonly marker: string
}

function readUser(path: string): Partial<User> {
  try {
    return JSON.parse(readFileSync(join(path, MARKER), 'utf8')) as Partial<User>
  } catch {
    return {}
  }
}

/** Whether it is still that process: its number may have gone to another meanwhile. */
async function isDev(pid: number): Promise<boolean> {
  const command = await commandOf(pid)
  return command === undefined || command.includes('dev.ts')
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Made once and kept, so that a restart can read what was sealed before. */
function keptKey(file: string): string {
  if (existsSync(file)) return readFileSync(file, 'utf8').trim()
  const key = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64')
  writeFileSync(file, `${key}\n`, { mode: 0o600 })
  return key
}

function writeEnvironmentFile(file: string, values: Readonly<Record<string, string>>): string {
  const lines = Object.entries(values).map(([name, value]) => `${name}='${quoted(value)}'\n`)
  writeFileSync(file, lines.join(''), { mode: 0o600 })
  return file
}

/** The reader of such files expands `$` even between single quotes. */
const quoted = (value: string): string => value.replaceAll('$', String.raw`\$`)
