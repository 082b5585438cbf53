/** `GET /directories/{id}/import-candidates`: who could be imported of a tenant, and why others cannot. Reads only. */
import * as v from 'valibot'

import { readConnection } from '../db/connection-reader.ts'
import type { Database } from '../db/client.ts'
import { readHere } from '../db/here-reader.ts'
import type { ListBody } from '../http/api-context.ts'
import { pageAsked, pageParameters, toCursor } from '../http/parse-request.ts'
import { invalidParameter, type Problem } from '../http/problem.ts'
import type { JsonObject } from '../kernel/json.ts'
import { assertNever, err, ok, type Result } from '../kernel/result.ts'
import {
  type Candidate,
  candidateKeys,
  type Here,
  noticeOf,
  type Refusal,
  whyNotImported,
} from '../plan/candidate.ts'
import { SKIP_TOKEN } from '../plan/requests.ts'
import { type DirectoryDeps, type DirectoryScope, noDirectory } from './context.ts'
import { notNow, unreachable } from './faults.ts'
import { readAccountPage, type ReadFault } from './read-accounts.ts'

const MAX_QUERY = 100
const QUERY = `must be a text of ${MAX_QUERY} characters at most`

export const candidatesQuery = v.object({
  ...pageParameters,
  q: v.optional(
    v.pipe(
      v.string(QUERY),
      v.trim(),
      v.maxLength(MAX_QUERY, QUERY),
      v.check((text) => text.isWellFormed(), QUERY),
      v.description(
        'What the displayName, userPrincipalName, givenName or surname of the account begins with.',
      ),
    ),
  ),
})

const OLD_CURSOR = 'is too old, or of another list; leave it out to begin'

/**
 * One page of the tenant's users, as Graph pages them. Problems: notFound, invalid (the cursor), conflict (the credential
 * is refused), busy (Microsoft 365 answers later).
 */
export async function listCandidates(
  scope: DirectoryScope,
  deps: DirectoryDeps,
  directoryId: string,
  query: v.InferOutput<typeof candidatesQuery>,
): Promise<Result<ListBody, Problem>> {
  const { limit: top, after: skipToken } = pageAsked(query)
  if (skipToken !== undefined && !SKIP_TOKEN.test(skipToken))
    return err(invalidParameter('cursor', OLD_CURSOR))
  const { organizationId, database } = scope
  const stored = await readConnection(database, organizationId, directoryId)
  if (stored === undefined) return err(noDirectory(directoryId))
  const connection = await deps.connectForReading(stored.directory)
  if (!connection.ok) return err(unreachable(connection.error))
  const place = { top, skipToken, startsWith: query.q === '' ? undefined : query.q }
  const page = await readAccountPage(connection.value.transport, place)
  if (!page.ok) return err(problemOf(page.error))
  const { candidates, verifiedDomains, nextToken } = page.value
  const here = await whoIsHere(database, { organizationId, directoryId }, candidates)
  return ok({
    items: candidates.map((each) => {
      const reason = whyNotImported(each, verifiedDomains, here)
      return show(each, reason, reason === undefined ? noticeOf(each, here) : undefined)
    }),
    nextCursor: nextToken === null ? null : toCursor(nextToken),
  })
}

/** Who is here already of some candidates. */
export const whoIsHere = (
  database: Database,
  key: { readonly organizationId: string; readonly directoryId: string },
  candidates: readonly Candidate[],
): Promise<Here> => {
  const keys = candidates.map(candidateKeys)
  return readHere(database, {
    ...key,
    graphIds: candidates.map(({ graphId }) => graphId),
    usernames: keys.map(({ username }) => username),
    emails: keys.map(({ email }) => email),
  })
}

function show(
  candidate: Candidate,
  reason: Refusal | undefined,
  notice: Refusal | undefined,
): JsonObject {
  const { graphId, userPrincipalName, displayName, firstname, lastname, username } = candidate
  return {
    graphId,
    userPrincipalName,
    displayName,
    firstname,
    lastname,
    username,
    accountEnabled: candidate.isEnabled,
    importable: reason === undefined,
    reason: reason === undefined ? null : { ...reason },
    notice: notice === undefined ? null : { ...notice },
  }
}

function problemOf(fault: ReadFault): Problem {
  switch (fault.kind) {
    case 'refused':
      return unreachable(`${fault.message} ${fault.whatToDo}`)
    case 'later':
      return notNow(fault.afterSeconds)
    case 'restart':
      return invalidParameter('cursor', OLD_CURSOR)
    default:
      return assertNever(fault)
  }
}
