import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-plugin'

// The secrets of the test run; wrangler.toml demands them, and warns of every one that is not in the environment.
const SECRETS = {
  ENCRYPTION_KEY: 'MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=',
  OPERATOR_TOKEN: 'isth_operator_test_00000000000000000000',
}

/** The plugin that runs a project's tests on workerd, with the bindings of wrangler.toml and all migrations at hand. */
export async function onWorkerd(bindings: Record<string, string> = {}) {
  Object.assign(process.env, SECRETS)
  return cloudflareTest({
    wrangler: { configPath: './wrangler.toml' },
    remoteBindings: false,
    miniflare: {
      bindings: {
        TEST_MIGRATIONS: await readD1Migrations('./drizzle'),
        ...SECRETS,
        RATE_LIMIT: 'off',
        ...bindings,
      },
    },
  })
}
