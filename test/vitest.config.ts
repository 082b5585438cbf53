import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'

// The secrets of the test run; wrangler.toml demands them, and warns of every one that is not in the environment.
const SECRETS = {
  ENCRYPTION_KEY: 'MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=',
  OPERATOR_TOKEN: 'isth_operator_test_00000000000000000000',
}
Object.assign(process.env, SECRETS)

// A test that is slow on a busy machine is no failure; one that hangs is.
const testTimeout = 60_000

// Two projects: `core` runs pure tests on Node in milliseconds, `worker` runs on real workerd with D1 and queues.
export default defineConfig(async () => {
  const migrations = await readD1Migrations('./drizzle')
  return {
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
            cloudflareTest({
              wrangler: { configPath: './wrangler.toml' },
              remoteBindings: false,
              miniflare: {
                bindings: {
                  TEST_MIGRATIONS: migrations,
                  ...SECRETS,
                  RATE_LIMIT: 'off',
                  FUZZ_RUNS: process.env['FUZZ_RUNS'] ?? '',
                },
              },
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
  }
})
