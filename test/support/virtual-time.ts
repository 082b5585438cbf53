/**
 * Time that passes only while everybody waits. What sleeps is resumed in order, as soon as nothing else is under way: hours
 * of waiting for quota take as long as the work in them, and come out the same on a busy machine.
 */
export interface VirtualTime {
  now(): number
  sleep(milliseconds: number): Promise<void>
  /** Real work, such as a query: no time passes while it is under way. */
  during<T>(work: Promise<T>): Promise<T>
  /** Lets time pass until the promise is settled; throws when nobody is left to wait for. */
  until<T>(end: Promise<T>): Promise<T>
}

interface Sleeper {
  readonly at: number
  readonly wake: () => void
}

/** Makes a time of its own, beginning at `start` (milliseconds since 1970). */
export function virtualTime(start: number): VirtualTime {
  let now = start
  const sleepers: Sleeper[] = []
  const underWay = new Set<Promise<unknown>>()

  const wakeNext = (): void => {
    const next = sleepers.shift()
    if (next === undefined) throw new Error('nobody sleeps and nothing is under way: a deadlock')
    now = Math.max(now, next.at)
    next.wake()
  }
  return {
    now: () => now,
    sleep: (milliseconds) =>
      new Promise((wake) => {
        const at = now + Math.max(0, milliseconds)
        const place = sleepers.findLastIndex((sleeper) => sleeper.at <= at) + 1
        sleepers.splice(place, 0, { at, wake })
      }),
    during(work) {
      const settled: Promise<unknown> = work.then(
        () => underWay.delete(settled),
        () => underWay.delete(settled),
      )
      underWay.add(settled)
      return work
    },
    async until(end) {
      let isOver = false
      const watch = () => {
        isOver = true
      }
      void end.then(watch, watch)
      for (;;) {
        await quiet(underWay)
        if (isOver) return end
        wakeNext()
      }
    },
  }
}

/** Whatever follows from what just happened has happened when a few turns of the event loop bring no new work. */
const TURNS = 3

async function quiet(underWay: ReadonlySet<Promise<unknown>>): Promise<void> {
  for (let turns = 0; turns < TURNS; turns++) {
    while (underWay.size > 0) {
      turns = 0
      await Promise.all(underWay)
    }
    await new Promise((resume) => setTimeout(resume, 0))
  }
}
