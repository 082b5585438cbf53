/** `npm run dev` as a process of another script. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export interface DevProcess {
  /** Ends it as a person would; true when it stopped cleanly. */
  readonly stop: () => Promise<boolean>
  /** Kills it and everything that it started, at once. Only for one with a process group of its own. */
  readonly killAll: () => Promise<void>
}

/** Starts `dev` and waits until it is ready; its own output is shown only where it tells of trouble. */
export async function startDev(
  args: readonly string[],
  { ownGroup = false }: { ownGroup?: boolean } = {},
): Promise<DevProcess> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'dev.ts'), ...args], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    detached: ownGroup,
  })
  if (child.stdout !== null)
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (/^\w+ \| /.test(line)) console.log(line)
    })
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const ready = new Promise<true>((resolve) => child.once('message', () => resolve(true)))
  if ((await Promise.race([ready, ended])) !== true) throw new Error('npm run dev did not start.')
  return {
    stop: async () => {
      child.kill('SIGTERM')
      return (await ended) === 0
    },
    killAll: async () => {
      if (ownGroup && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
      await ended
    },
  }
}
