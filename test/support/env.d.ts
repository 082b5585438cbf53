import type { D1Migration } from '@cloudflare/vitest-plugin'

// What the test run adds to the Worker's environment.
declare global {
  namespace Cloudflare {
    interface Env {
      TEST_MIGRATIONS: D1Migration[]
      /** How many requests the fuzz test sends; empty: as many as take some seconds. */
      FUZZ_RUNS: string
      /** How large benchmarks are; empty: as large as their figures are stated for. */
      BENCH_SCALE: string
      /** First seed and number of the long chaos stories, `1,50`; empty: a few. */
      CHAOS: string
    }
  }
}
