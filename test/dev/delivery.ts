/** Waiting until the demo directory owes nothing, with progress. */
import { compare } from './comparison.ts'
import { loadExpected } from './cycle.ts'
import { sleep } from './network.ts'
import { showProgress } from './progress.ts'
import { type DirectoryStatus, directoryStatus, type Running, tenantState } from './running.ts'

const EVERY_MS = 500

export interface Delivery {
  readonly isDone: boolean
  readonly seconds: number
  readonly status: DirectoryStatus | undefined
}

/** Waits until nothing is owed, or until time is up. A gateway that does not tell is judged by what Graph holds. */
export async function awaitDelivery(running: Running, timeoutMs: number): Promise<Delivery> {
  const start = Date.now()
  const first = await outstanding(running)
  let most = first.count
  const progress = showProgress('Carrying out to Microsoft 365', most)
  try {
    for (;;) {
      const { count, status } = await outstanding(running)
      most = Math.max(most, count)
      progress.set(most - count, { total: most, note: `(${count} owed)` })
      const seconds = (Date.now() - start) / 1000
      if (count === 0) return { isDone: true, seconds, status }
      if (Date.now() - start > timeoutMs) return { isDone: false, seconds, status }
      await sleep(EVERY_MS)
    }
  } finally {
    progress.end()
  }
}

async function outstanding(
  running: Running,
): Promise<{ readonly count: number; readonly status: DirectoryStatus | undefined }> {
  const status = await directoryStatus(running)
  if (status !== undefined) return { count: status.owed, status }
  const held = await tenantState(running)
  const count = held === undefined ? 0 : compare(loadExpected(), held).differences.length
  return { count, status }
}

/** Why it is not done, and what to look at. */
export function describeDelay({ seconds, status }: Delivery): string {
  const start = `After ${Math.round(seconds)} s the directory still owes`
  if (status === undefined) return `${start} something, and the gateway does not tell what.`
  const { owed, failed, held, lastError } = status
  return `${start} ${owed} (failed ${failed}, held ${held}). Last error: ${lastError === null ? 'none' : JSON.stringify(lastError)}`
}
