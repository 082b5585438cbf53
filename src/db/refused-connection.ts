/** A directory stops when its credential is refused, whoever finds out, and goes on when the same credential is accepted again. */
import { type SQL, sql } from 'drizzle-orm'

import type { Database } from './client.ts'
import { appendEvents, type NewEvent } from './event-log.ts'
import type { DirectoryRow } from './lease.ts'

/** A directory as it was when its credential was used: an administrator may have entered another one meanwhile. */
export type TriedDirectory = Pick<
  DirectoryRow,
  'organizationId' | 'id' | 'clientId' | 'credentialType' | 'credential'
>

/** Why the directory cannot be reached. */
export interface ConnectionRefusal {
  /** Entra ID's, Graph's, or one of ours. */
  readonly code: string
  /** What happened and what to do, for the directory's administrator. */
  readonly reason: string
}

/** Whether it is still the credential that was used. */
const isSame = ({ organizationId, id, clientId, credentialType, credential }: TriedDirectory) =>
  sql`organization_id = ${organizationId} AND id = ${id} AND client_id = ${clientId}
    AND credential_type = ${credentialType} AND credential IS ${credential}`

/** The statements that stop an active directory, and tell of it; one that is stopped already stays as it is. */
export function stopStatements(
  tried: TriedDirectory,
  { code, reason }: ConnectionRefusal,
  now: number,
): SQL[] {
  return [
    sql`UPDATE directory SET state = 'auth_error', state_reason = ${reason}
      WHERE ${isSame(tried)} AND state = 'active'`,
    appendEvents(tried.organizationId, [authFailure(tried.id, code, now)], { onlyIfChanged: true }),
  ]
}

/** Stops a directory: it is left alone until an administrator has mended it. */
export async function stopDirectory(
  database: Database,
  tried: TriedDirectory,
  refusal: ConnectionRefusal,
  now: number,
): Promise<void> {
  await database.run(...stopStatements(tried, refusal, now))
}

/** Lets a stopped directory go on, since its credential is accepted. False: it is not stopped, or has another credential by now. */
export async function resumeDirectory(
  database: Database,
  tried: TriedDirectory,
  event: NewEvent,
): Promise<boolean> {
  const [resumed] = await database.run(
    sql`UPDATE directory SET state = 'active', state_reason = NULL
      WHERE ${isSame(tried)} AND state = 'auth_error'`,
    appendEvents(tried.organizationId, [event], { onlyIfChanged: true }),
  )
  return resumed?.changes === 1
}

const authFailure = (directoryId: string, code: string, now: number): NewEvent => ({
  class: 'record',
  type: 'auth_failure',
  time: now,
  outcome: 'failure',
  target: { type: 'directory', id: directoryId },
  directoryId,
  actor: { type: 'system', id: null },
  details: { code },
})
