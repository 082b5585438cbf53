/** Which of wrangler.toml's crons are due in a minute: local cron never fires by itself, `npm run dev` rings it. */

const EVERY_MINUTE = '* * * * *'
const EVERY_QUARTER = '*/15 * * * *'
const DAILY = '17 3 * * *'

/** The crons of that minute (UTC), as wrangler.toml spells them. */
export function dueCrons(time: Date): readonly string[] {
  const [hour, minute] = [time.getUTCHours(), time.getUTCMinutes()]
  return [
    EVERY_MINUTE,
    ...(minute % 15 === 0 ? [EVERY_QUARTER] : []),
    ...(hour === 3 && minute === 17 ? [DAILY] : []),
  ]
}

/** How long until the next minute begins. */
export const untilNextMinute = (now: number): number => 60_000 - (now % 60_000)

/** Where `wrangler dev` takes a ring of a cron. */
export function ringUrl(base: string, cron: string, time: number): string {
  const query = new URLSearchParams({ cron, time: String(time) })
  return `${base}/cdn-cgi/handler/scheduled?${query.toString()}`
}
