import { writeFailure } from '../db/failure.ts'
import type { Json, JsonObject } from '../kernel/json.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import {
  bulkTarget,
  type BulkMethod,
  type BulkOperation,
  type BulkTarget,
} from '../scim/bulk-request.ts'
import { referenceIn, resolveReferences } from '../scim/bulk-references.ts'
import { ifMatch } from '../scim/etag.ts'
import { toScimError, type ScimFault } from '../scim/fault.ts'
import { errorBody } from '../scim/messages.ts'
import { groupService } from './groups.ts'
import type { Scope } from './scope.ts'
import type { Outcome, ResourceService, Shown } from './service.ts'
import { userService } from './users.ts'

/** What an operation has come to. */
export interface Done {
  /** Absent after a DELETE. */
  readonly shown?: Shown
}

/** The id of what a bulkId creates; the fault says why there is none. */
export type IdOf = (bulkId: string) => Result<string, ScimFault>

const serviceOf = ({ endpoint }: BulkTarget): ResourceService =>
  endpoint === '/Users' ? userService : groupService

/**
 * Carries out one operation by the use case that the same request on its own would take, with ids in place of references
 * (RFC 7644 section 3.7.2). The request's own preconditions are about no operation; each has its `version`.
 */
export async function performOperation(
  scope: Scope,
  operation: BulkOperation,
  idOf: IdOf,
): Outcome<Done> {
  const target = resolveTarget(operation, idOf)
  if (!target.ok) return target
  const { id = '' } = target.value
  const data = resolveData(operation, idOf)
  if (!data.ok) return data
  const service = serviceOf(target.value)
  const { version } = operation
  const scoped: Scope = {
    ...scope,
    permits: (current) => ifMatch(version, current),
    isConditional: version !== undefined,
  }
  const use: UseCases = {
    POST: () => service.create(scoped, data.value),
    PUT: () => service.replace(scoped, id, data.value),
    // Nobody sees what the operation leaves of the resource.
    PATCH: () => service.patch(scoped, id, data.value, undefined),
    DELETE: () => service.remove(scoped, id),
  }
  return settled(use[operation.method])
}

type UseCases = Readonly<Record<BulkMethod, () => Outcome<Shown | undefined>>>

/** A database that cannot be reached is told of the operation at hand: those before it have been carried out. */
async function settled(work: () => Outcome<Shown | undefined>): Outcome<Done> {
  try {
    const result = await work()
    if (!result.ok) return result
    return ok(result.value === undefined ? {} : { shown: result.value })
  } catch (thrown) {
    const kind = writeFailure(thrown)?.kind
    if (kind !== 'unavailable' && kind !== 'overloaded') throw thrown
    return err({ kind: 'busy', retryAfterSeconds: 2 })
  }
}

/** What an operation is about, with an id in place of a reference. */
function resolveTarget(operation: BulkOperation, idOf: IdOf): Result<BulkTarget, ScimFault> {
  const target = bulkTarget(operation)
  if (!target.ok) return target
  const bulkId = target.value.id === undefined ? undefined : referenceIn(target.value.id)
  if (bulkId === undefined) return target
  const id = idOf(bulkId)
  return id.ok ? ok({ ...target.value, id: id.value }) : id
}

/** The data of an operation with ids in place of references. */
function resolveData({ data = null }: BulkOperation, idOf: IdOf): Result<Json, ScimFault> {
  const resolved = resolveReferences(data, (bulkId) => {
    const id = idOf(bulkId)
    return id.ok ? id.value : undefined
  })
  if (resolved.ok) return resolved
  const missing = idOf(resolved.error)
  return missing.ok ? ok(data) : missing
}

const STATUS: Readonly<Record<BulkMethod, string>> = {
  POST: '201',
  PUT: '200',
  PATCH: '200',
  DELETE: '204',
}

/** What the answer says of an operation: `response` only when it failed (RFC 7644 section 3.7.3). */
export function operationAnswer(
  scope: Scope,
  operation: BulkOperation,
  result: Result<Done, ScimFault>,
  idOf: IdOf,
): JsonObject {
  const { method, bulkId } = operation
  const named = { method, ...(bulkId === undefined ? {} : { bulkId }) }
  const target = resolveTarget(operation, idOf)
  const place = target.ok && target.value.id !== undefined ? target.value : undefined
  const location = place && { location: `${scope.baseUrl}${place.endpoint}/${place.id ?? ''}` }
  if (!result.ok) {
    const error = toScimError(result.error)
    return { ...named, ...location, status: String(error.status), response: errorBody(error) }
  }
  const { shown } = result.value
  return {
    ...named,
    ...(shown === undefined ? location : { location: shown.location, version: shown.tag }),
    status: STATUS[method],
  }
}
