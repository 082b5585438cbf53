/**
 * Bulk (RFC 7644 section 3.7): many operations in one request, each carried out as if it had come alone, in an order in
 * which what is created exists before it is referred to. Each is all or nothing for itself; a circle of references too.
 */
import type { JsonObject } from '../kernel/json.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { bulkOrder, type Unit } from '../scim/bulk-order.ts'
import { bulkReferences, referenceIn } from '../scim/bulk-references.ts'
import {
  bulkTarget,
  type BulkLimits,
  type BulkOperation,
  type BulkRequest,
} from '../scim/bulk-request.ts'
import type { ScimFault } from '../scim/fault.ts'
import { BULK_RESPONSE_URN } from '../scim/urns.ts'
import { MAX_BODY_BYTES } from '../http/read-body.ts'
import { createCircle } from './bulk-circle.ts'
import { operationAnswer, performOperation, type Done, type IdOf } from './bulk-operation.ts'
import type { Scope } from './scope.ts'

/**
 * D1 carries out 1,000 statements per request, and an operation takes up to 10 of them when no other writer is in its way
 * (a DELETE does, a POST 7, a PATCH 9); the rest is for those that are read and written again.
 */
export const BULK_LIMITS: BulkLimits = { maxOperations: 80, maxPayloadSize: MAX_BODY_BYTES }

const MAX_STATEMENTS = 980
/** What one operation may take before the next one is looked at; in a circle it is created, changed and maybe removed. */
const STATEMENTS_ALONE = 12
const STATEMENTS_IN_CIRCLE = 30
const MAX_CIRCLE = 30

/** A request being carried out. */
interface Run {
  readonly scope: Scope
  readonly operations: readonly BulkOperation[]
  readonly results: Map<number, Result<Done, ScimFault>>
  readonly idOf: IdOf
  /** How many statements the request has asked of D1 so far. */
  readonly statements: () => number
}

/** The BulkResponse: what each operation has come to, in the order of the request; without those after too many failures. */
export async function runBulk(
  scope: Scope,
  { operations, failOnErrors = Number.POSITIVE_INFINITY }: BulkRequest,
  statements: () => number,
): Promise<JsonObject> {
  let isChanged = false
  // The directories are told once, of all operations.
  const quiet: Scope = { ...scope, changed: () => void (isChanged = true) }
  const results: Run['results'] = new Map()
  const idOf: IdOf = (bulkId) => findCreated(bulkId, operations, results)
  const run: Run = { scope: quiet, operations, results, idOf, statements }
  try {
    for (const unit of bulkOrder(operations.map(orderedBy))) {
      await performUnit(run, unit)
      if ([...results.values()].filter(({ ok }) => !ok).length >= failOnErrors) break
    }
  } finally {
    if (isChanged) scope.changed()
  }
  return { schemas: [BULK_RESPONSE_URN], Operations: answers(run) }
}

function answers({ scope, operations, results, idOf }: Run): JsonObject[] {
  return operations.flatMap((operation, index) => {
    const result = results.get(index)
    return result === undefined ? [] : [operationAnswer(scope, operation, result, idOf)]
  })
}

/** What the order of the operations depends on. */
function orderedBy(operation: BulkOperation) {
  const { method, bulkId, data = null } = operation
  const target = bulkTarget(operation)
  const { endpoint, id } = target.ok ? target.value : {}
  const onCreated = id === undefined ? undefined : referenceIn(id)
  return {
    references: new Set([...bulkReferences(data), ...(onCreated === undefined ? [] : [onCreated])]),
    ...(method === 'POST' && bulkId !== undefined ? { creates: bulkId } : {}),
    ...(id === undefined ? {} : { target: `${endpoint}/${id}` }),
  }
}

async function performUnit(run: Run, unit: Unit): Promise<void> {
  const { scope, results, idOf } = run
  const operations = unit.indexes.flatMap((index) => run.operations[index] ?? [])
  const refusal = refusalOf(run, unit)
  const outcomes =
    refusal !== undefined
      ? operations.map(() => err(refusal))
      : unit.isCycle
        ? await createCircle(scope, operations, idOf)
        : await Promise.all(operations.map((alone) => performOperation(scope, alone, idOf)))
  for (const [place, index] of unit.indexes.entries()) {
    const outcome = outcomes[place]
    if (outcome !== undefined) results.set(index, outcome)
  }
}

function refusalOf({ statements }: Run, { indexes, isCycle }: Unit): ScimFault | undefined {
  if (isCycle && indexes.length > MAX_CIRCLE) return TOO_LARGE
  const needed = isCycle ? indexes.length * STATEMENTS_IN_CIRCLE : STATEMENTS_ALONE
  return statements() + needed > MAX_STATEMENTS ? BUSY : undefined
}

const BUSY: ScimFault = { kind: 'busy', retryAfterSeconds: 1 }
const TOO_LARGE: ScimFault = {
  kind: 'conflict',
  reason: `More than ${MAX_CIRCLE} operations refer to each other in a circle; send the references in a later request.`,
}

/** The id of what the operation with this bulkId has created. */
function findCreated(
  bulkId: string,
  operations: readonly BulkOperation[],
  results: Run['results'],
): Result<string, ScimFault> {
  const index = operations.findIndex(
    (operation) => operation.method === 'POST' && operation.bulkId === bulkId,
  )
  if (index < 0)
    return err({ kind: 'invalidValue', attribute: `bulkId:${bulkId}`, reason: UNKNOWN })
  const result = results.get(index)
  const id = result?.ok === true ? result.value.shown?.resource['id'] : undefined
  if (typeof id === 'string') return ok(id)
  const reason = `bulkId:${bulkId.slice(0, 100)} was not created; see the status of that operation.`
  return err({ kind: 'conflict', reason })
}

const UNKNOWN = 'no POST operation of this request has that bulkId'
