/** Rings the crons of wrangler.toml, which never fire by themselves under `wrangler dev`. */
import { dueCrons, ringUrl, untilNextMinute } from './schedule.ts'

const TIMEOUT_MS = 10 * 60_000

/** Rings once now and then at every full minute until `signal` aborts. A failed ring is told and changes nothing. */
export function ringCrons(base: string, signal: AbortSignal): void {
  const tick = (time: Date): void => {
    for (const cron of dueCrons(time)) void ring(ringUrl(base, cron, time.getTime()), cron, signal)
  }
  const wait = (): void => {
    const timer = setTimeout(() => {
      tick(new Date())
      wait()
    }, untilNextMinute(Date.now()))
    signal.addEventListener('abort', () => clearTimeout(timer), { once: true })
  }
  void ring(ringUrl(base, '* * * * *', Date.now()), '* * * * *', signal)
  wait()
}

async function ring(url: string, cron: string, signal: AbortSignal): Promise<void> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS)
  try {
    const response = await fetch(url, { signal: AbortSignal.any([signal, timeout]) })
    const text = await response.text()
    if (!response.ok || text.trim() !== 'ok')
      console.error(`cron | "${cron}" failed: ${response.status} ${text.slice(0, 200)}`)
  } catch (error) {
    if (!signal.aborted) console.error(`cron | "${cron}" failed: ${String(error)}`)
  }
}
