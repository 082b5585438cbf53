/** `POST /directories/{id}/preview`: what a bind, or other directions, would change; nothing is sent. */
import * as v from 'valibot'

import { readStoredDirections } from '../db/direction-store.ts'
import { type ListBody } from '../http/api-context.ts'
import { formsField, type PageQuery, toCursor } from '../http/parse-request.ts'
import type { Problem } from '../http/problem.ts'
import { isJsonObject, type JsonObject } from '../kernel/json.ts'
import { assertNever, err, ok, type Result } from '../kernel/result.ts'
import { choicesOf, conflictOf } from './attributes.ts'
import { type DirectoryDeps, type DirectoryScope, noDirectory } from './context.ts'
import { notNow, unreachable } from './faults.ts'
import type { PreviewRefusal } from './preview-port.ts'

const MAX_USERS = 10_000
const USERS = `must name 1 to ${MAX_USERS} users by their ids (usr_…)`

const userIds = v.pipe(
  v.array(v.pipe(v.string(USERS), v.regex(/^usr_[\x21-\x7e]{1,100}$/, USERS)), USERS),
  v.minLength(1, USERS),
  v.maxLength(MAX_USERS, USERS),
  v.description('Users that are to be bound, or are.'),
)
const attributes = v.pipe(
  v.custom<JsonObject>(isJsonObject, 'must be a JSON object of attributes and directions'),
  v.description('Directions as PATCH …/attributes takes them; for all users that are bound.'),
)

export const previewBody = formsField(
  [v.strictObject({ userIds, attributes: v.optional(attributes) }), v.strictObject({ attributes })],
  'must be {"userIds":[…]}, {"attributes":{…}}, or both',
)

interface PreviewWanted {
  readonly userIds?: readonly string[]
  readonly attributes?: JsonObject | undefined
}

/**
 * One page of a preview, and the sequence at which the first page was computed. Problems: invalid, notFound (the directory, a user),
 * conflict (a direction that cannot be chosen; the credential is refused), busy (Microsoft 365 answers later).
 */
export async function preview(
  scope: DirectoryScope,
  { previewUsers }: DirectoryDeps,
  directoryId: string,
  { userIds, attributes }: PreviewWanted,
  { limit, after = '' }: PageQuery,
): Promise<Result<ListBody & { readonly sequence: number }, Problem>> {
  const choices = choicesOf(attributes ?? {})
  if (!choices.ok) return err(inside(choices.error))
  const { organizationId, database } = scope
  if (choices.value.length > 0) {
    const stored = await readStoredDirections(database, { organizationId, directoryId })
    if (stored === undefined) return err(noDirectory(directoryId))
    const refused = conflictOf(choices.value, stored)
    if (refused !== undefined) return err(refused)
  }
  const place = readPlace(after)
  const asked = { organizationId, directoryId, userIds, after: place.after, limit }
  const previewed = await previewUsers(scope, { ...asked, choices: new Map(choices.value) })
  if (!previewed.ok) return err(problemOf(previewed.error, directoryId))
  const { items, nextAfter } = previewed.value
  const sequence = place.sequence ?? previewed.value.sequence
  return ok({
    sequence,
    items: items.map((item): JsonObject => JSON.parse(JSON.stringify(item))),
    nextCursor: nextAfter === undefined ? null : toCursor(`${sequence}:${nextAfter}`),
  })
}

/** Every page tells the sequence of the first: whoever changed since then may be on a page that was seen before. */
function readPlace(place: string): { readonly sequence?: number; readonly after: string } {
  const [, sequence, after] = /^(\d{1,15}):(.*)$/.exec(place) ?? []
  return after === undefined ? { after: place } : { sequence: Number(sequence), after }
}

/** The directions stand under `attributes` here. */
function inside(problem: Problem): Problem {
  if (problem.kind !== 'invalid') return problem
  const errors = problem.errors.map((error) =>
    'pointer' in error ? { ...error, pointer: `/attributes${error.pointer}` } : error,
  )
  return { kind: 'invalid', errors }
}

function problemOf(fault: PreviewRefusal, directoryId: string): Problem {
  switch (fault.kind) {
    case 'noDirectory':
      return noDirectory(directoryId)
    case 'unknownUser':
      return { kind: 'notFound', what: `User ${fault.id}` }
    case 'unreachable':
      return unreachable(fault.detail)
    case 'later':
      return notNow(fault.retryAfterSeconds)
    default:
      return assertNever(fault)
  }
}
