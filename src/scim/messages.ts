/**
 * The messages of RFC 7644 section 8.2: reading PatchOp and SearchRequest, writing ListResponse and Error.
 * Member names ignore case (RFC 7643 section 2.1), `schemas` is not asked for, null is absent; what cannot be read is
 * invalidSyntax with the place where it stands.
 */
import * as v from 'valibot'
import { isJsonObject, type Json, type JsonObject } from '../kernel/json.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import type { ScimError, ScimFault } from './fault.ts'
import { foldOperator, type AppliedQuirks, type QuirkNumber } from './quirks.ts'
import { ERROR_URN, LIST_RESPONSE_URN } from './urns.ts'

/** More in one request is refused: each operation costs a pass over the resource. */
export const MAX_OPERATIONS = 1000

export interface PatchOperation {
  readonly op: 'add' | 'replace' | 'remove'
  /** As sent; absent when the operation is about the resource as a whole. */
  readonly path?: string
  /** Absent only when it was not sent. */
  readonly value?: Json
}

export interface PatchRequest {
  readonly operations: readonly PatchOperation[]
  readonly quirks: readonly QuirkNumber[]
}

export interface SearchRequest {
  readonly attributes?: readonly string[]
  readonly excludedAttributes?: readonly string[]
  readonly filter?: string
  readonly sortBy?: string
  /** As sent: `readSortBy` reads it. */
  readonly sortOrder?: string
  readonly startIndex?: number
  readonly count?: number
  /** The empty text asks for the first page (RFC 9865 section 2.1). */
  readonly cursor?: string
}

const OPERATORS = ['add', 'replace', 'remove'] as const
const text = v.string('must be a text')
const integer = v.pipe(v.number('must be a number'), v.integer('must be an integer'))
const names = v.union(
  [v.array(text), v.pipe(text, v.transform(splitNames))],
  'must be an array of attribute names',
)

const operationSchema = members({
  op: v.pipe(
    v.string('must be add, replace or remove'),
    v.check(
      (op) => OPERATORS.some((known) => known === op.toLowerCase()),
      'must be add, replace or remove',
    ),
  ),
  path: v.exactOptional(text),
  value: v.exactOptional(v.custom<Json>(() => true)),
})

const patchSchema = members({
  operations: v.pipe(
    v.array(operationSchema, 'must be an array of operations'),
    v.maxLength(
      MAX_OPERATIONS,
      `holds more than ${MAX_OPERATIONS} operations; send several requests`,
    ),
  ),
})

const searchSchema = members({
  attributes: v.exactOptional(names),
  excludedAttributes: v.exactOptional(names),
  filter: v.exactOptional(text),
  sortBy: v.exactOptional(text),
  sortOrder: v.exactOptional(text),
  startIndex: v.exactOptional(integer),
  count: v.exactOptional(integer),
  cursor: v.exactOptional(text),
})

/**
 * The operations of a PATCH body, `op` in lower case (Q1), with the quirks that were applied. No operations at all is
 * a PATCH that changes nothing (Q32). Faults: invalidSyntax.
 */
export function parsePatchRequest(body: unknown): Result<PatchRequest, ScimFault> {
  const parsed = v.safeParse(patchSchema, body, { abortEarly: true })
  if (!parsed.success) return err(syntaxFault(parsed.issues[0], 'PatchOp'))
  const applied: AppliedQuirks = new Set()
  const operations = parsed.output.operations.map(({ op, path, value }) => ({
    op: operatorOf(foldOperator(op, applied)),
    ...(path === undefined || path === '' ? {} : { path }),
    ...(value === undefined ? {} : { value }),
  }))
  if (operations.length === 0) applied.add(32)
  return ok({ operations, quirks: [...applied] })
}

/** The body of `POST /.search` (RFC 7644 section 3.4.3). Faults: invalidSyntax. */
export function parseSearchRequest(body: unknown): Result<SearchRequest, ScimFault> {
  const parsed = v.safeParse(searchSchema, body, { abortEarly: true })
  return parsed.success ? ok(parsed.output) : err(syntaxFault(parsed.issues[0], 'SearchRequest'))
}

/** The names in the text of an `attributes` or `excludedAttributes` parameter, which commas separate. */
export function splitNames(parameter: string): string[] {
  // A comma inside brackets is part of a filter (Q39).
  return partsOf(parameter)
    .map((name) => name.trim())
    .filter((name) => name !== '')
}

/** Split at the commas outside of brackets, in one pass: a regular expression would look ahead from every comma. */
function partsOf(parameter: string): string[] {
  const parts: string[] = []
  let isInside = false
  for (const piece of parameter.split(',')) {
    if (isInside) parts.push(`${parts.pop() ?? ''},${piece}`)
    else parts.push(piece)
    const [opened, closed] = [piece.lastIndexOf('['), piece.lastIndexOf(']')]
    if (opened !== closed) isInside = opened > closed
  }
  return parts
}

/** One page of a list: by index with `startIndex`, by cursor with `nextCursor` and `previousCursor` (RFC 9865). */
export function listResponse(page: {
  readonly resources: readonly JsonObject[]
  readonly totalResults: number
  readonly itemsPerPage: number
  readonly startIndex?: number
  readonly nextCursor?: string
  readonly previousCursor?: string
}): JsonObject {
  const { resources, totalResults, ...paging } = page
  return { schemas: [LIST_RESPONSE_URN], totalResults, ...paging, Resources: resources }
}

/** The body of an error answer; `status` is a text (RFC 7644 section 3.12). */
export function errorBody({ status, scimType, detail }: ScimError): JsonObject {
  return {
    schemas: [ERROR_URN],
    status: String(status),
    ...(scimType === undefined ? {} : { scimType }),
    detail,
  }
}

/** A strict object whose member names ignore case, and in which null is absent for all but `value`. */
export function members<const T extends v.ObjectEntries>(entries: T) {
  const spelling = new Map(Object.keys(entries).map((name) => [name.toLowerCase(), name]))
  const fold = (sent: JsonObject): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(sent).flatMap(([name, value]) => {
        const known = spelling.get(name.toLowerCase())
        return known === undefined || (value === null && known !== 'value') ? [] : [[known, value]]
      }),
    )
  return v.pipe(
    v.custom<JsonObject>(isJsonObject, 'must be a JSON object'),
    v.transform(fold),
    v.object(entries, 'is missing'),
  )
}

function operatorOf(text: string): PatchOperation['op'] {
  return OPERATORS.find((known) => known === text) ?? 'remove'
}

/** Names the place as a client would write it: `Operations[2].op`. */
export function syntaxFault(issue: v.BaseIssue<unknown>, message: string): ScimFault {
  const place = (issue.path ?? [])
    .map(({ key }) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('')
    .replace(/^\./, '')
    .replace(/^operations/, 'Operations')
  const where = place === '' ? `The ${message} body` : `${place} of the ${message} body`
  return { kind: 'invalidSyntax', reason: `${where} ${issue.message}.` }
}
