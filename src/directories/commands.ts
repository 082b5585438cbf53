/**
 * What administrators ask of a directory: to bind and unbind, to export again, to replay failures, to answer what is held. Each
 * is an event that the directory's drain follows, and a job that tells how far it has come.
 */
import type { NewEvent } from '../db/event-log.ts'
import { type CommandFault, startCommand } from '../db/job-store.ts'
import type { Problem } from '../http/problem.ts'
import type { JsonObject } from '../kernel/json.ts'
import { assertNever, err, ok, type Result } from '../kernel/result.ts'
import { beyondLog } from './command-body.ts'
import { type DirectoryDeps, type DirectoryScope, noDirectory } from './context.ts'
import { changedSincePreview } from './faults.ts'
import { type JobType, showBegun } from './jobs.ts'

/** The commands, the job that each starts, and what it is about. */
const COMMANDS = {
  binding_create: { job: 'bind', among: 'resources' },
  binding_delete: { job: 'unbind', among: 'resources' },
  export_requested: { job: 'export', among: 'resources' },
  replay_requested: { job: 'replay', among: 'bindings' },
  held_approve: { job: 'approve', among: 'bindings' },
  held_reject: { job: 'reject', among: 'bindings' },
} as const satisfies Record<string, { job: JobType; among: 'resources' | 'bindings' }>

export type CommandType = keyof typeof COMMANDS

export interface Command {
  readonly type: CommandType
  /** Users and groups, a thousand at most; undefined: all. */
  readonly ids: readonly string[] | undefined
  /** The sequence of the preview that an administrator has seen. */
  readonly atSequence?: number | undefined
}

/**
 * Starts a command and gives its job. Problems: notFound (the directory, a resource), invalid (a sequence that no preview
 * told), conflict (a resource changed since the preview).
 */
export async function command(
  scope: DirectoryScope,
  deps: DirectoryDeps,
  directoryId: string,
  { type, ids, atSequence }: Command,
): Promise<Result<JsonObject, Problem>> {
  const { organizationId, now, by } = scope
  const { job, among } = COMMANDS[type]
  const jobId = deps.newId('job')
  const about = ids === undefined ? { all: true } : { count: ids.length, ids: ids.slice(0, 100) }
  const event: NewEvent = {
    ...by,
    class: 'command',
    type,
    target: { type: 'directory', id: directoryId },
    directoryId,
    ...(ids === undefined ? {} : { touched: ids }),
    details: { jobId, ...about },
  }
  const row = { organizationId, id: jobId, type: job, directoryId, createdAt: now }
  const started = await startCommand(scope.database, { job: row, event, among, atSequence })
  if (!started.ok) return err(problemOf(started.error, { directoryId, among, atSequence }))
  scope.changed()
  return ok(showBegun(started.value))
}

interface Asked extends Pick<Command, 'atSequence'> {
  readonly directoryId: string
  readonly among: 'resources' | 'bindings'
}

function problemOf(fault: CommandFault, { directoryId, among, atSequence = 0 }: Asked): Problem {
  switch (fault.kind) {
    case 'noDirectory':
      return noDirectory(directoryId)
    case 'unknown': {
      const [id = '', ...others] = fault.ids
      const kind = id.startsWith('grp_') ? 'Group' : 'User'
      const what = among === 'bindings' ? `The binding of ${id}` : `${kind} ${id}`
      return {
        kind: 'notFound',
        what: others.length > 0 ? `${what} (${others.join(', ')} too)` : what,
      }
    }
    case 'changed':
      return changedSincePreview(fault.ids)
    case 'ahead':
      return beyondLog(atSequence, fault.head)
    default:
      return assertNever(fault)
  }
}
