/** Progress of something countable: a bar in a terminal, a line now and then elsewhere. */
import { SingleBar } from 'cli-progress'

export interface Progress {
  readonly set: (done: number, note?: string) => void
  readonly end: () => void
}

const STEPS = 4

/** Begins to show progress towards `total`. */
export function showProgress(title: string, total: number): Progress {
  return process.stdout.isTTY ? bar(title, total) : lines(title, total)
}

function bar(title: string, total: number): Progress {
  const single = new SingleBar({
    format: `${title.padEnd(28)} {bar} {value}/{total} {note}`,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    hideCursor: true,
  })
  single.start(total, 0, { note: '' })
  return {
    set: (done, note = '') => single.update(done, { note }),
    end: () => single.stop(),
  }
}

function lines(title: string, total: number): Progress {
  let told = 0
  return {
    set: (done, note = '') => {
      const step = total === 0 ? STEPS : Math.floor((done / total) * STEPS)
      if (step <= told) return
      told = step
      console.log(`${title.padEnd(28)} ${done}/${total} ${note}`.trimEnd())
    },
    end: () => undefined,
  }
}
