import { defineConfig } from 'vitest/config'

// Its own configuration: the suite needs a running server, which `npm test` does not start.
export default defineConfig({
  test: {
    name: 'conformance',
    root: import.meta.dirname,
    include: ['specs/**/*.spec.ts'],
    globalSetup: ['./global-setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxWorkers: 3,
  },
})
