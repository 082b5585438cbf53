/** `npm run admin`: the operator's command line. */
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'

import { runAdmin } from './admin/run.ts'

// Whoever reads no further, such as head, has had enough: that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
})

process.exitCode = await runAdmin(process.argv.slice(2), {
  env: process.env,
  fetch,
  newKey: randomUUID,
  readInput: () => readFileSync(0, 'utf8'),
  print: (text) => process.stdout.write(text),
  complain: (text) => process.stderr.write(text),
})
