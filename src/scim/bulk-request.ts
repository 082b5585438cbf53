/** The body of `POST /Bulk` (RFC 7644 section 3.7) as data, and what the path of an operation is about. Pure. */
import * as v from 'valibot'
import type { Json } from '../kernel/json.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import type { ScimFault } from './fault.ts'
import { members, syntaxFault } from './messages.ts'

export interface BulkLimits {
  readonly maxOperations: number
  /** Bytes. */
  readonly maxPayloadSize: number
}

export type BulkMethod = 'POST' | 'PUT' | 'PATCH' | 'DELETE'

export interface BulkOperation {
  readonly method: BulkMethod
  readonly path: string
  readonly bulkId?: string
  /** The entity tag that the resource has to have. */
  readonly version?: string
  readonly data?: Json
}

export interface BulkRequest {
  readonly operations: readonly BulkOperation[]
  /** After so many failures the rest is not carried out. */
  readonly failOnErrors?: number
}

const METHODS = ['POST', 'PUT', 'PATCH', 'DELETE'] as const
const text = v.pipe(v.string('must be a text'), v.minLength(1, 'must not be empty'))

const operationSchema = v.pipe(
  members({
    method: v.pipe(
      v.string(`must be ${METHODS.join(', ')}`),
      v.transform((method) => method.toUpperCase()),
      v.picklist(METHODS, `must be ${METHODS.join(', ')}`),
    ),
    path: text,
    bulkId: v.exactOptional(text),
    version: v.exactOptional(text),
    data: v.exactOptional(v.custom<Json>(() => true)),
  }),
  v.check(({ method, bulkId }) => method !== 'POST' || bulkId !== undefined, 'needs a bulkId'),
  v.check(({ method, data }) => method === 'DELETE' || data !== undefined, 'needs data'),
)

const positive = 'must be a whole number from 1'
const bulkSchema = members({
  operations: v.array(operationSchema, 'must be an array of operations'),
  failOnErrors: v.exactOptional(
    v.pipe(v.number(positive), v.integer(positive), v.minValue(1, positive)),
  ),
})

/**
 * The operations of a bulk body. Faults, before anything is carried out: invalidSyntax for what is not understood, and for
 * a bulkId that two operations create; tooManyOperations.
 */
export function parseBulkRequest(
  body: unknown,
  { maxOperations }: BulkLimits,
): Result<BulkRequest, ScimFault> {
  const parsed = v.safeParse(bulkSchema, body, { abortEarly: true })
  if (!parsed.success) return err(syntaxFault(parsed.issues[0], 'BulkRequest'))
  const { operations } = parsed.output
  if (operations.length > maxOperations)
    return err({ kind: 'tooManyOperations', limit: maxOperations })
  const seen = new Set<string>()
  for (const [index, { method, bulkId }] of operations.entries()) {
    if (method !== 'POST' || bulkId === undefined) continue
    if (seen.has(bulkId)) return err(twice(index))
    seen.add(bulkId)
  }
  return ok(parsed.output)
}

const twice = (index: number): ScimFault => ({
  kind: 'invalidSyntax',
  reason: `Operations[${index}].bulkId of the BulkRequest body is that of an earlier operation.`,
})

export interface BulkTarget {
  readonly endpoint: '/Users' | '/Groups'
  /** The id, or `bulkId:…`; absent for a POST. */
  readonly id?: string
}

const PATH = /^\/?(users|groups)(?:\/([^/?#]+))?\/?$/i

/** What an operation is about. Fault: invalidPath for anything else, such as another bulk request. */
export function bulkTarget({ method, path }: BulkOperation): Result<BulkTarget, ScimFault> {
  const [, collection, id] = PATH.exec(path) ?? []
  if (collection === undefined)
    return err({
      kind: 'invalidPath',
      path,
      reason: 'operations are about /Users and /Groups only',
    })
  if ((method === 'POST') !== (id === undefined))
    return err({ kind: 'invalidPath', path, reason: method === 'POST' ? ON_POST : ON_ITEM })
  const endpoint = collection.toLowerCase() === 'users' ? '/Users' : '/Groups'
  return ok(id === undefined ? { endpoint } : { endpoint, id })
}

const ON_POST = 'a POST goes to /Users or /Groups'
const ON_ITEM = 'the id of a resource is expected behind /Users/ or /Groups/'
