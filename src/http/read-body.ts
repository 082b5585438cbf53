import { isJsonArray, isJsonObject, type Json } from '../kernel/json.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import type { ScimFault } from '../scim/fault.ts'

const MAX_BODY_BYTES = 1024 * 1024
const MAX_DEPTH = 32

export interface ReadBody {
  readonly value: Json
  /** Whether the content type was not exactly ours (Q22). */
  readonly isOddlyTyped: boolean
}

/**
 * The JSON body of a request. Content types `application/json` and `application/scim+json`, with any parameters, and
 * none at all are accepted (Q22). Faults: unsupportedMediaType, payloadTooLarge, and invalidSyntax for what is no JSON in
 * UTF-8, is nested deeper than any resource or names `__proto__`.
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

/** The body, read no further than the limit; undefined when there is more. */
async function readBytes(request: Request, limit: number): Promise<Uint8Array | undefined> {
  if (Number(request.headers.get('Content-Length') ?? 0) > limit) return undefined
  const reader = request.body?.getReader()
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
    const problem = shapeProblem(value)
    return problem === undefined ? ok(value) : err(problem)
  } catch {
    return err('The body is not valid JSON; check its quotes, commas and brackets.')
  }
}

/** Nothing that comes after recurses deeper than this, or meets a name that means something to JavaScript. */
function shapeProblem(value: Json): string | undefined {
  let level: Json[] = [value]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) return `The body is nested more than ${MAX_DEPTH} levels deep.`
    const inside: Json[] = []
    for (const item of level) {
      if (isJsonObject(item) && Object.hasOwn(item, '__proto__'))
        return 'The body has a member named __proto__, which no attribute is called.'
      const children = isJsonArray(item) ? item : isJsonObject(item) ? Object.values(item) : []
      for (const child of children) inside.push(child)
    }
    level = inside
  }
  return undefined
}
