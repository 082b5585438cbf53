/**
 * Creations that refer to each other in a circle (RFC 7644 section 3.7.1): users who are each other's managers, groups that
 * are each other's members. Each is created without the references into the circle, which a PATCH then adds. The circle
 * succeeds or fails as a whole: a resource without a reference that it was sent with would be a partial write.
 */
import type { JsonObject } from '../kernel/json.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { deferReferences, type Split } from '../scim/bulk-references.ts'
import type { BulkOperation } from '../scim/bulk-request.ts'
import type { ScimFault } from '../scim/fault.ts'
import { PATCH_OP_URN } from '../scim/urns.ts'
import { performOperation, type Done, type IdOf } from './bulk-operation.ts'
import type { Scope } from './scope.ts'
import type { Shown } from './service.ts'

interface Failure {
  readonly place: number
  readonly fault: ScimFault
}

/** What has been created so far, by bulkId. */
type Created = Map<string, { readonly path: string; shown: Shown }>

/** What each operation of a circle has come to, in the same order. */
export async function createCircle(
  scope: Scope,
  operations: readonly BulkOperation[],
  idOf: IdOf,
): Promise<readonly Result<Done, ScimFault>[]> {
  const created: Created = new Map()
  const failure = await carryOut(scope, operations, idOf, created)
  if (failure === undefined)
    return operations.map(({ bulkId = '' }) => {
      const shown = created.get(bulkId)?.shown
      return ok(shown === undefined ? {} : { shown })
    })
  const left = await undo(scope, created)
  const cause = operations[failure.place]?.bulkId ?? ''
  return operations.map(({ bulkId = '' }, place) => {
    if (place === failure.place && !left.has(bulkId)) return err(failure.fault)
    return err({ kind: 'conflict', reason: reasonOf(cause, left.get(bulkId)) })
  })
}

function reasonOf(cause: string, leftAs: string | undefined): string {
  const because = `It refers in a circle to bulkId:${cause.slice(0, 100)}, which failed`
  return leftAs === undefined
    ? `${because}; nothing of the circle was kept.`
    : `${because}. It was created as ${leftAs} and could not be removed again; delete it.`
}

/** Creates everything, then adds what was left out; ends at the first failure. */
async function carryOut(
  scope: Scope,
  operations: readonly BulkOperation[],
  idOf: IdOf,
  created: Created,
): Promise<Failure | undefined> {
  const circle = new Set(operations.flatMap(({ bulkId }) => bulkId ?? []))
  const splits = operations.map(({ data }) => deferReferences(data, circle))
  const impossible = splits.indexOf(undefined)
  if (impossible >= 0) return { place: impossible, fault: UNRESOLVABLE }
  for (const [place, operation] of operations.entries()) {
    const without = { ...operation, data: splits[place]?.data ?? null }
    const result = await performOperation(scope, without, idOf)
    if (!result.ok) return { place, fault: result.error }
    remember(created, operation, result.value)
  }
  const idWithin: IdOf = (bulkId) => {
    const id = idIn(created.get(bulkId)?.shown)
    return id === undefined ? idOf(bulkId) : ok(id)
  }
  for (const [place, { bulkId = '' }] of operations.entries()) {
    const made = created.get(bulkId)
    const data = additionOf(splits[place])
    if (made === undefined || data === undefined) continue
    const added = await performOperation(
      scope,
      { method: 'PATCH', path: made.path, data },
      idWithin,
    )
    if (!added.ok) return { place, fault: added.error }
    if (added.value.shown !== undefined) made.shown = added.value.shown
  }
  return undefined
}

const UNRESOLVABLE: ScimFault = {
  kind: 'conflict',
  reason:
    'It stands in a circle of references, which can be resolved for manager and members only.',
}

function remember(created: Created, { bulkId = '', path }: BulkOperation, { shown }: Done): void {
  const id = idIn(shown)
  if (shown !== undefined && id !== undefined)
    created.set(bulkId, { path: `${path.replace(/\/$/, '')}/${id}`, shown })
}

function idIn(shown: Shown | undefined): string | undefined {
  const id = shown?.resource['id']
  return typeof id === 'string' ? id : undefined
}

function additionOf(split: Split | undefined): JsonObject | undefined {
  if (split === undefined || split.deferred.length === 0) return undefined
  const operations = split.deferred.map(({ path, value }) => ({ op: 'add', path, value }))
  return { schemas: [PATCH_OP_URN], Operations: operations }
}

/** Removes what was created; gives what could not be, by bulkId, with its id. */
async function undo(scope: Scope, created: Created): Promise<ReadonlyMap<string, string>> {
  const left = new Map<string, string>()
  for (const [bulkId, { path, shown }] of created) {
    const removed = await performOperation(scope, { method: 'DELETE', path }, () =>
      err(UNRESOLVABLE),
    )
    if (!removed.ok) left.set(bulkId, idIn(shown) ?? '')
  }
  return left
}
