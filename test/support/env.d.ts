import type { D1Migration } from '@cloudflare/vitest-plugin'

// What the test run adds to the Worker's environment.
declare global {
  namespace Cloudflare {
    interface Env {
      TEST_MIGRATIONS: D1Migration[]
    }
  }
}
