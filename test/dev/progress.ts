/** Progress of something countable: a bar in a terminal, a line now and then elsewhere. */
import { SingleBar } from 'cli-progress'

export interface Progress {
  /** The total may grow on the way. */
  readonly set: (done: number, state?: { total?: number; note?: string }) => void
  readonly end: () => void
}

const STEPS = 4

/** Begins to show progress towards `total`. */
export function showProgress(title: string, total: number): Progress {
  return process.stdout.isTTY ? bar(title, total) : lines(title, total)
}

function bar(title: string, total: number): Progress {
  const single = new SingleBar({
    format: `${title.padEnd(30)} {bar} {value}/{total} {note}`,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    hideCursor: true,
  })
  single.start(total, 0, { note: '' })
  return {
    set: (done, { total: grown = total, note = '' } = {}) => {
      single.setTotal(grown)
      single.update(done, { note })
    },
    end: () => single.stop(),
  }
}

function lines(title: string, total: number): Progress {
  let told = 0
  return {
    set: (done, { total: grown = total, note = '' } = {}) => {
      const step = grown === 0 ? STEPS : Math.floor((done / grown) * STEPS)
      if (step <= told) return
      told = step
      console.log(`${title.padEnd(30)} ${done}/${grown} ${note}`.trimEnd())
    },
    end: () => undefined,
  }
}
