import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'

// Two projects: `core` runs pure tests on Node in milliseconds, `worker` runs on real workerd with D1 and queues.
export default defineConfig(async () => {
  const migrations = await readD1Migrations('./drizzle')
  return {
    test: {
      projects: [
        {
          root: '.',
          test: {
            name: 'core',
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
                  ENCRYPTION_KEY: 'MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=',
                  OPERATOR_TOKEN: 'isth_operator_test_00000000000000000000',
                  RATE_LIMIT: 'off',
                },
              },
            }),
          ],
          test: {
            name: 'worker',
            include: ['test/worker/**/*.test.ts'],
            setupFiles: ['./test/support/apply-migrations.ts'],
          },
        },
      ],
    },
  }
})
