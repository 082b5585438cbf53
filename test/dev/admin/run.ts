import { CommanderError, InvalidArgumentError } from 'commander'

import { err, ok, type Result } from '../../../src/kernel/result.ts'
import { createCall, type Failure } from './client.ts'
import { adminProgram } from './commands.ts'
import { connectionOf } from './connection.ts'

export interface AdminPorts {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly fetch: typeof fetch
  readonly newKey: () => string
  /** The whole of the standard input. */
  readonly readInput: () => string
  readonly print: (text: string) => void
  readonly complain: (text: string) => void
}

/** Carries one command out; gives the exit code. An answer is printed as JSON, a failure too, on the error output. */
export async function runAdmin(args: readonly string[], ports: AdminPorts): Promise<number> {
  let exitCode = 0
  const finish = (result: Result<unknown, Failure>) => {
    if (result.ok) return ports.print(`${JSON.stringify(result.value, null, 2)}\n`)
    exitCode = 1
    return ports.complain(`${JSON.stringify(result.error, null, 2)}\n`)
  }
  const program = adminProgram({
    env: ports.env,
    readInput: ports.readInput,
    finish,
    connect(options) {
      const connection = connectionOf(options, ports.env)
      if (connection.ok) return ok(createCall(connection.value, ports))
      return err({ title: 'Not connected', detail: connection.error })
    },
  })
  const all = [
    program,
    ...program.commands,
    ...program.commands.flatMap(({ commands }) => commands),
  ]
  for (const command of all)
    command.exitOverride().configureOutput({ writeOut: ports.print, writeErr: ports.complain })
  try {
    await program.parseAsync([...args], { from: 'user' })
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown
    // What commander found itself it has told.
    if (thrown instanceof InvalidArgumentError) ports.complain(`error: ${thrown.message}\n`)
    return thrown.exitCode
  }
  return exitCode
}
