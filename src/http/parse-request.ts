/** Bodies and queries of the admin API: read, validated, and refused with the place of what is wrong. */
import * as v from 'valibot'

import { isJsonObject } from '../kernel/json.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { fromRfc3339 } from '../kernel/time.ts'
import { knownMembers } from './known-members.ts'
import type { FieldProblem, Problem } from './problem.ts'
import { readBody } from './read-body.ts'

const MAX_ERRORS = 20
const DEFAULT_LIMIT = 100
const MAX_LIMIT = 200

type Schema<T> = v.GenericSchema<unknown, T>

/** The body of a request as `schema` wants it. Problems: content type, size, JSON, and every field that is wrong. */
export async function parseBody<T>(
  request: Request,
  schema: Schema<T>,
): Promise<Result<T, Problem>> {
  const body = await readBody(request)
  if (!body.ok) {
    const { error } = body
    if (error.kind === 'unsupportedMediaType' || error.kind === 'payloadTooLarge') return err(error)
    const reason = error.kind === 'invalidSyntax' ? error.reason : 'The body cannot be read.'
    return err({ kind: 'unreadable', reason })
  }
  const { value } = body.value
  if (!isJsonObject(value))
    return err({ kind: 'invalid', errors: [{ pointer: '', detail: 'must be a JSON object' }] })
  const parsed = v.safeParse(schema, value)
  if (parsed.success) return ok(parsed.output)
  return err(invalid(parsed.issues.map((issue) => fieldProblem(issue, schema, value))))
}

/** The same of a request that goes without a body too: without one, it is as if it were `{}`. */
export async function parseOptionalBody<T>(
  request: Request,
  schema: Schema<T>,
): Promise<Result<T, Problem>> {
  const isEmpty = request.body === null || request.headers.get('Content-Length') === '0'
  if (isEmpty) return ok(v.parse(schema, {}))
  return parseBody(request, schema)
}

const invalid = (errors: readonly FieldProblem[]): Problem => ({
  kind: 'invalid',
  errors: errors.slice(0, MAX_ERRORS),
})

function fieldProblem(
  issue: v.BaseIssue<unknown>,
  schema: v.GenericSchema,
  value: unknown,
): FieldProblem {
  const path = (issue.path ?? []).map(({ key }) => key)
  const isUnknown = isAboutMember(issue) && issue.expected === 'never'
  const detail = isUnknown ? unknownMember(knownMembers(schema, value, path)) : detailOf(issue)
  return { pointer: pointerOf(path), detail }
}

const isAboutMember = ({ type, path }: v.BaseIssue<unknown>): boolean =>
  type === 'strict_object' && path !== undefined

const unknownMember = (known: readonly string[] = []): string =>
  known.length === 0
    ? 'is no field that can be set here'
    : `is no field that can be set here; there are: ${known.join(', ')}`

/** The JSON Pointer (RFC 6901) of a path. */
export const pointerOf = (names: readonly unknown[]): string =>
  names.map((name) => `/${String(name).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')

function detailOf(issue: v.BaseIssue<unknown>): string {
  if (isAboutMember(issue) && issue.received === 'undefined') return 'is missing'
  return issue.type === 'strict_object' ? 'must be a JSON object' : issue.message
}

type Forms = readonly v.StrictObjectSchema<v.ObjectEntries, undefined>[]

/**
 * A body that has one of several forms: the first one whose mandatory members are all there is meant, and what is wrong is told of
 * that one. `rule` lists them, for a body that is none.
 */
export function formsField<const F extends Forms>(forms: F, rule: string) {
  const union = v.union(forms, rule)
  const run: (typeof union)['~run'] = (dataset, config) => {
    const { value } = dataset
    const meant = forms.find((form) => isJsonObject(value) && hasMandatory(form.entries, value))
    return (meant ?? union)['~run'](dataset, config)
  }
  return { ...union, '~run': run }
}

const hasMandatory = (entries: v.ObjectEntries, value: object): boolean =>
  Object.entries(entries).every(([name, entry]) => entry.type === 'optional' || name in value)

/** A text of 1 to `max` characters without blanks around it. */
export const textField = (max: number) => {
  const rule = `must be a text of 1 to ${max} characters`
  return v.pipe(v.string(rule), v.trim(), v.minLength(1, rule), v.maxLength(max, rule))
}

/** One of some words. */
export const wordField = <const T extends readonly [string, ...string[]]>(words: T) =>
  v.picklist(words, `must be one of: ${words.join(', ')}`)

/** One of some words, or several with commas, in a query; an empty one is none. */
export const wordsParameter = <const T extends readonly [string, ...string[]]>(
  words: T,
  description: string,
) => {
  const rule = `must be one of ${words.join(', ')}, or several with commas`
  return v.pipe(
    v.string(rule),
    v.metadata({
      description: `${description}: one of ${words.join(', ')}, or several with commas.`,
    }),
    v.rawTransform<string, T[number][]>(({ dataset, addIssue, NEVER }) => {
      const asked = new Set(dataset.value.split(',').filter((item) => item !== ''))
      const known = words.filter((word) => asked.has(word))
      if (known.length === asked.size) return known
      addIssue({ message: rule })
      return NEVER
    }),
  )
}

const TENANT =
  'must be the id of an Entra tenant (such as 8b7ccf0c-20b1-4b4f-a9a0-3c0a6d3c1a11) or one of its domains (contoso.onmicrosoft.com)'

/** An Entra tenant, by its id or one of its domains; case says nothing. */
export const tenantField = v.pipe(
  v.string(TENANT),
  v.trim(),
  v.toLowerCase(),
  v.maxLength(253, TENANT),
  v.regex(
    /^(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?:[a-z0-9-]{1,63}\.)+[a-z]{2,63})$/,
    TENANT,
  ),
  v.description('An Entra tenant: its id, or one of its domains.'),
)

const TIME = 'must be a time such as 2027-01-31T00:00:00Z (RFC 3339), or null'

/** A time as RFC 3339, in milliseconds. */
export const timeField = v.pipe(
  v.string(TIME),
  v.rawTransform<string, number>(({ dataset, addIssue, NEVER }) => {
    const time = fromRfc3339(dataset.value)
    if (time !== undefined) return time
    addIssue({ message: TIME })
    return NEVER
  }),
)

export interface PageQuery {
  readonly limit: number
  /** What the cursor of the page before holds; undefined on the first page. */
  readonly after: string | undefined
}

const LIMIT = `must be a whole number from 1 to ${MAX_LIMIT}`
const CURSOR = 'must be the nextCursor of the page before; leave it out to begin'

/** The parameters that every list takes. */
export const pageParameters = {
  limit: v.optional(
    v.pipe(
      v.string(LIMIT),
      v.metadata({
        type: 'integer',
        minimum: 1,
        maximum: MAX_LIMIT,
        default: DEFAULT_LIMIT,
        description: 'Items a page.',
      }),
      v.rawTransform<string, number>(({ dataset, addIssue, NEVER }) => {
        const limit = /^\d{1,4}$/.test(dataset.value) ? Number(dataset.value) : 0
        if (limit >= 1 && limit <= MAX_LIMIT) return limit
        addIssue({ message: LIMIT })
        return NEVER
      }),
    ),
  ),
  cursor: v.optional(
    v.pipe(
      v.string(CURSOR),
      v.description('The nextCursor of the page before.'),
      v.rawTransform<string, string | undefined>(({ dataset, addIssue, NEVER }) => {
        if (dataset.value === '') return undefined
        const after = readCursor(dataset.value)
        if (after !== undefined) return after
        addIssue({ message: CURSOR })
        return NEVER
      }),
    ),
  ),
}

/** The query of a list without filters. */
export const pageSchema = v.object(pageParameters)

/** The page that a query with `pageParameters` asks for. */
export const pageAsked = ({
  limit = DEFAULT_LIMIT,
  cursor: after,
}: v.InferOutput<typeof pageSchema>): PageQuery => ({ limit, after })

/** Which page of a list without filters is asked for. */
export function pageQuery(query: Readonly<Record<string, string>>): Result<PageQuery, Problem> {
  const parsed = parseQuery(query, pageSchema)
  return parsed.ok ? ok(pageAsked(parsed.value)) : parsed
}

/** The query of a request as `schema` wants it; `closedQueries` refuses the parameters that it does not name. */
export function parseQuery<T>(
  query: Readonly<Record<string, string>>,
  schema: Schema<T>,
): Result<T, Problem> {
  const parsed = v.safeParse(schema, query)
  if (parsed.success) return ok(parsed.output)
  const errors = parsed.issues.map((issue) => {
    const [place] = issue.path ?? []
    return { parameter: String(place?.key), detail: issue.message }
  })
  return err(invalid(errors))
}

/** The page that is shown of rows of which one more was read than fits. */
export function pageOf<T extends { readonly id: string }, S>(
  found: readonly T[],
  limit: number,
  show: (row: T) => S,
): { items: S[]; nextCursor: string | null } {
  const rows = found.slice(0, limit)
  const last = rows.at(-1)
  const nextCursor = found.length > limit && last !== undefined ? toCursor(last.id) : null
  return { items: rows.map((row) => show(row)), nextCursor }
}

const MOMENT = TIME.replace(', or null', '')

/** A time in a query, in milliseconds; an empty one is none. */
export const timeParameter = v.pipe(
  v.string(MOMENT),
  v.metadata({ format: 'date-time' }),
  v.rawTransform<string, number | undefined>(({ dataset, addIssue, NEVER }) => {
    const time = dataset.value === '' ? undefined : fromRfc3339(dataset.value)
    if (time !== undefined || dataset.value === '') return time
    addIssue({ message: MOMENT })
    return NEVER
  }),
)

/** A place in a list, as clients carry it: opaque, and safe in a URL. The place is a key of ours or of Graph's, in ASCII. */
export const toCursor = (place: string): string =>
  btoa(place).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')

function readCursor(cursor: string): string | undefined {
  if (!/^[A-Za-z0-9_-]{1,4000}$/.test(cursor)) return undefined
  try {
    const place = atob(cursor.replaceAll('-', '+').replaceAll('_', '/'))
    return /^[\x21-\x7e]+$/.test(place) ? place : undefined
  } catch {
    return undefined
  }
}
