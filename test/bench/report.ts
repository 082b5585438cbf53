import { env } from 'cloudflare:workers'
import type { TestContext } from 'vitest'

/** What one benchmark measured: one column of its file's table. */
export type Figures = Readonly<Record<string, number | string>>

declare module 'vitest' {
  interface TaskMeta {
    figures?: Figures
  }
}

/** Hands what a benchmark measured to the reporter, which prints it and writes it to a file. */
export function report(task: TestContext['task'], figures: Figures): void {
  task.meta.figures = { ...task.meta.figures, ...figures }
}

/** How large benchmarks are: 1 unless `BENCH_SCALE` says otherwise. */
export const SCALE: number = env.BENCH_SCALE === '' ? 1 : Number(env.BENCH_SCALE)
