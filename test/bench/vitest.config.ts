import { defineConfig } from 'vitest/config'

import { onWorkerd } from '../workerd.ts'
import { BenchReporter } from './reporter.ts'

const HOUR_MS = 3_600_000

// `npm run bench` runs every benchmark, `npm run bench -- scim` those whose file's name holds `scim`.
export default defineConfig(async () => ({
  root: '.',
  plugins: [await onWorkerd({ BENCH_SCALE: process.env['BENCH_SCALE'] ?? '' })],
  test: {
    name: 'bench',
    include: ['test/bench/**/*.bench.ts'],
    setupFiles: ['./test/support/apply-migrations.ts'],
    testTimeout: HOUR_MS,
    hookTimeout: HOUR_MS,
    // One at a time: what is measured shares the machine with nothing of ours.
    fileParallelism: false,
    reporters: ['default', new BenchReporter()],
  },
}))
