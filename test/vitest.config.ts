import { defineConfig } from 'vitest/config'

import { onWorkerd } from './workerd.ts'

// A test that is slow on a busy machine is no failure; one that hangs is.
const testTimeout = 60_000

// Two projects: `core` runs pure tests on Node in milliseconds, `worker` runs on real workerd with D1 and queues.
export default defineConfig(async () => ({
  test: {
    // The protocol is tested by its own tests alone: `npm run coverage`.
    coverage: {
      provider: 'istanbul' as const,
      include: ['src/scim/**'],
      reporter: ['text', 'html', 'json'],
      thresholds: { lines: 98, branches: 98 },
    },
    projects: [
      {
        root: '.',
        test: {
          name: 'core',
          testTimeout,
          include: ['test/**/*.test.ts'],
          exclude: ['test/worker/**', 'test/browser/**'],
        },
      },
      {
        root: '.',
        plugins: [
          await onWorkerd({
            FUZZ_RUNS: process.env['FUZZ_RUNS'] ?? '',
            CHAOS: process.env['CHAOS'] ?? '',
          }),
        ],
        test: {
          name: 'worker',
          testTimeout,
          include: ['test/worker/**/*.test.ts'],
          setupFiles: ['./test/support/apply-migrations.ts'],
        },
      },
    ],
  },
}))
