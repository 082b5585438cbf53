/**
 * OData paths: `/users/{id}`, `/users('a@b.c')` and `/groups(uniqueName='x')` come out as segments, where a
 * key in parentheses is a segment of its own.
 */
export interface Segment {
  readonly text: string
  /** A value, never a name: what stood in parentheses. */
  readonly isKey: boolean
}

const WITH_KEY = /^([A-Za-z.]+)\((.+)\)$/

/** Splits a path (without version and query) into decoded segments; undefined when an escape is broken. */
export function parsePath(path: string): Segment[] | undefined {
  try {
    return path
      .split('/')
      .filter((part) => part !== '')
      .flatMap((part) => segmentsOf(decodeURIComponent(part)))
  } catch {
    return undefined
  }
}

function segmentsOf(part: string): Segment[] {
  const keyed = WITH_KEY.exec(part)
  if (!keyed?.[1] || !keyed[2]) return [{ text: part, isKey: false }]
  return [
    { text: keyed[1], isKey: false },
    { text: unquote(keyed[2]), isKey: true },
  ]
}

function unquote(key: string): string {
  const quoted = /^'(.*)'$/.exec(key)
  return quoted?.[1] === undefined ? key : quoted[1].replaceAll("''", "'")
}

/** `uniqueName='x'` as name and value; undefined for a plain key. */
export function alternateKey(key: string): { name: string; value: string } | undefined {
  const parts = /^([A-Za-z]+)='(.*)'$/.exec(key)
  if (!parts?.[1] || parts[2] === undefined) return undefined
  return { name: parts[1], value: parts[2].replaceAll("''", "'") }
}

/** How far a pattern such as `users/{id}/manager` fits: the parameters, or how many segments matched. */
export function matchPattern(
  pattern: readonly string[],
  segments: readonly Segment[],
): { matched: number; params?: Record<string, string> } {
  const params: Record<string, string> = {}
  for (const [i, part] of pattern.entries()) {
    const segment = segments[i]
    if (!segment || !fits(part, segment)) return { matched: i }
    if (part.startsWith('{')) params[part.slice(1, -1)] = segment.text
  }
  return segments.length === pattern.length
    ? { matched: pattern.length, params }
    : { matched: pattern.length }
}

/** A name that starts with `$` is no key unless it stands in parentheses. */
function fits(part: string, segment: Segment): boolean {
  if (part.startsWith('{')) return segment.isKey || !segment.text.startsWith('$')
  return !segment.isKey && part.toLowerCase() === segment.text.toLowerCase()
}
