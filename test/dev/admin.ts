/** `npm run admin`: the operator's command line. */
import { randomUUID } from 'node:crypto'

import { runAdmin } from './admin/run.ts'

process.exitCode = await runAdmin(process.argv.slice(2), {
  env: process.env,
  fetch,
  newKey: randomUUID,
  print: (text) => process.stdout.write(text),
  complain: (text) => process.stderr.write(text),
})
