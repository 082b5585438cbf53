/** PATCH paths, and the keys of a PATCH value without a path (RFC 7644 figure 7). Pure; never throws. */
import { err, type Result } from '../kernel/result.ts'
import { parseAttributePath } from './attribute-path.ts'
import { closeCursor, fail, FILTER_LIMITS, openCursor, peek, type Cursor } from './cursor.ts'
import type { ScimFault } from './fault.ts'
import { parseElementFilter, takeSubAttribute } from './grammar.ts'
import type { Misread } from './lexer.ts'
import type { PatchPath } from './tree.ts'

/**
 * Parses `attribute`, `attribute.sub`, `attribute[filter]` and `attribute[filter].sub`, each with or without a schema
 * URN before it (Q6, Q24), with a dot behind the URN too (Q25); names are kept as sent. A URN alone names the whole
 * extension: `schema` is set and `attribute` is the empty text. Whether the schemas know the attribute is for
 * `resolveAttribute`, whether its filter makes sense for `checkElementFilter`. Fault: `invalidPath`.
 */
export function parsePath(text: string): Result<PatchPath, ScimFault> {
  const opened = openCursor(text, FILTER_LIMITS)
  const parsed = opened.ok ? closeCursor(opened.value, parseWhole(opened.value)) : opened
  return parsed.ok
    ? parsed
    : err({ kind: 'invalidPath', path: text, reason: reasonOf(parsed.error) })
}

function parseWhole(cursor: Cursor): PatchPath | undefined {
  const token = peek(cursor)
  if (token.kind !== 'word') return fail(cursor, token, 'the name of an attribute is expected here')
  const path = parseAttributePath(token.text)
  if (!path.ok) return fail(cursor, token, path.error)
  cursor.index += 1
  const next = peek(cursor)
  if (next.kind !== '[') return next.kind === 'end' ? path.value : fail(cursor, next, AFTER_NAME)
  if (path.value.attribute === '' || path.value.sub !== undefined)
    return fail(
      cursor,
      next,
      'a filter is expected after an attribute, not after a URN or sub-attribute',
    )
  const filter = parseElementFilter(cursor)
  if (filter === undefined) return undefined
  const sub = takeSubAttribute(cursor)
  const rest = peek(cursor)
  if (rest.kind !== 'end') return fail(cursor, rest, 'a path ends after ] or one sub-attribute')
  return sub === undefined ? { ...path.value, filter } : { ...path.value, filter, sub }
}

const AFTER_NAME = 'after the attribute a path has nothing, or a filter in [ ]'

function reasonOf({ position, reason }: Misread): string {
  return `at character ${position + 1}, ${reason}`
}
