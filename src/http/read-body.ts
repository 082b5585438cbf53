import { isJsonArray, isJsonObject, type Json } from '../kernel/json.ts'
import { jsonErrorPlace } from '../kernel/json-place.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import type { ScimFault } from '../scim/fault.ts'

export const MAX_BODY_BYTES = 1024 * 1024
const MAX_DEPTH = 32

export interface ReadBody {
  readonly value: Json
  /** Whether the content type was not exactly ours (Q22). */
  readonly isOddlyTyped: boolean
}

/**
 * The JSON body of a request. Content types `application/json` and `application/scim+json`, with any parameters, and
 * none at all are accepted (Q22). Faults: unsupportedMediaType, payloadTooLarge, and invalidSyntax for what is no JSON in
 * UTF-8, or holds what nothing that follows could keep as it was sent (`shapeProblem`).
 */
export async function readBody(
  request: Request,
  limitBytes: number = MAX_BODY_BYTES,
): Promise<Result<ReadBody, ScimFault>> {
  const contentType = request.headers.get('Content-Type')
  if (contentType !== null && !/^application\/(?:scim\+)?json\s*(?:;|$)/i.test(contentType.trim()))
    return err({ kind: 'unsupportedMediaType', contentType })
  const bytes = await readBytes(request, limitBytes)
  if (bytes === undefined) return err({ kind: 'payloadTooLarge', limitBytes })
  const parsed = parse(bytes)
  if (!parsed.ok) return err({ kind: 'invalidSyntax', reason: parsed.error })
  return ok({ value: parsed.value, isOddlyTyped: contentType !== 'application/scim+json' })
}

/** The body of a request or response, read no further than the limit; undefined when there is more. */
export async function readBytes(
  message: Pick<Request, 'headers' | 'body'>,
  limit: number,
): Promise<Uint8Array | undefined> {
  if (Number(message.headers.get('Content-Length') ?? 0) > limit) return undefined
  const reader = message.body?.getReader()
  const chunks: Uint8Array[] = []
  let length = 0
  for (let part = await reader?.read(); part !== undefined && !part.done;) {
    length += part.value.byteLength
    if (length > limit) {
      await reader?.cancel()
      return undefined
    }
    chunks.push(part.value)
    part = await reader?.read()
  }
  const bytes = new Uint8Array(length)
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.byteLength
  }
  return bytes
}

function parse(bytes: Uint8Array): Result<Json, string> {
  if (bytes.byteLength === 0) return err('The request has no body; a JSON object is expected.')
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes)
  } catch {
    return err('The body is not valid UTF-8.')
  }
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what JSON.parse gives is JSON
    const value = JSON.parse(text) as Json
    const problem = shapeProblem(value, membersIn(text))
    return problem === undefined ? ok(value) : err(problem)
  } catch {
    const { line, column } = jsonErrorPlace(text)
    return err(
      `The body is not valid JSON from line ${line}, column ${column} on; check its quotes, commas and brackets.`,
    )
  }
}

/**
 * Nothing that comes after recurses deeper than `MAX_DEPTH`, meets a name that means something to JavaScript, or is told
 * something else than was sent: the last of two members of one name, a number that JavaScript rounds (RFC 8259 sections
 * 4 and 6), a text that SQLite ends or mends.
 */
function shapeProblem(value: Json, membersSent: number): string | undefined {
  let level: Json[] = [value]
  let membersRead = 0
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) return `The body is nested more than ${MAX_DEPTH} levels deep.`
    const inside: Json[] = []
    for (const item of level) {
      const names = isJsonObject(item) ? Object.keys(item) : []
      membersRead += names.length
      const problem = scalarProblem(item) ?? namesProblem(names)
      if (problem !== undefined) return problem
      const children = isJsonArray(item) ? item : isJsonObject(item) ? Object.values(item) : []
      for (const child of children) inside.push(child)
    }
    level = inside
  }
  return membersRead === membersSent ? undefined : TWICE
}

const TWICE =
  'An object in the body has two members of the same name; it is not clear which is meant.'
const BROKEN = 'The body holds a text with NUL or half a character (a lone surrogate).'
const INEXACT =
  'The body holds a number that cannot be kept exactly; send whole numbers up to 9007199254740991, or a text.'

function scalarProblem(value: Json): string | undefined {
  if (typeof value === 'string') return isStorable(value) ? undefined : BROKEN
  if (typeof value !== 'number') return undefined
  const isExact = Number.isFinite(value) && Math.abs(value) <= Number.MAX_SAFE_INTEGER
  return isExact ? undefined : INEXACT
}

function namesProblem(names: readonly string[]): string | undefined {
  if (names.includes('__proto__'))
    return 'The body has a member named __proto__, which no attribute is called.'
  return names.every(isStorable) ? undefined : BROKEN
}

const isStorable = (text: string): boolean => text.isWellFormed() && !text.includes('\0')

/** How many members the objects of a valid JSON text have: its colons outside of strings. */
function membersIn(text: string): number {
  let members = 0
  let isInString = false
  for (let at = 0; at < text.length; at++) {
    const character = text.charCodeAt(at)
    if (character === QUOTE) isInString = !isInString
    else if (isInString) at += character === BACKSLASH ? 1 : 0
    else if (character === COLON) members += 1
  }
  return members
}

const QUOTE = 0x22
const COLON = 0x3a
const BACKSLASH = 0x5c
