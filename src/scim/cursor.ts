/** A place in the tokens of a filter or path, what the parser has counted so far, and its limits. Pure. */
import { err, ok, type Result } from '../kernel/result.ts'
import type { AppliedQuirks } from './quirks.ts'
import { tokenize, type Misread, type TextLimits, type Token } from './lexer.ts'

export interface FilterLimits extends TextLimits {
  /** Open parentheses and brackets; printing, checking and matching recurse over the tree. */
  readonly maxNesting: number
  /** Comparisons in one filter; a database takes 100 bound values per statement. */
  readonly maxTerms: number
}

export const FILTER_LIMITS: FilterLimits = {
  maxCharacters: 4096,
  maxWordCharacters: 512,
  maxNesting: 10,
  maxTerms: 50,
}

export interface Cursor {
  readonly tokens: readonly Token[]
  readonly limits: FilterLimits
  /** What was read although the grammar does not have it. */
  readonly applied: AppliedQuirks
  index: number
  nesting: number
  terms: number
  /** True between `[` and `]`, where names are sub-attributes. */
  inElement: boolean
  failure: Misread | undefined
}

/** A cursor at the first token of `text`; quirks are added to `applied`. */
export function openCursor(
  text: string,
  limits: FilterLimits,
  applied: AppliedQuirks = new Set(),
): Result<Cursor, Misread> {
  const read = tokenize(text, limits)
  if (!read.ok) return read
  const start = { index: 0, nesting: 0, terms: 0, inElement: false, failure: undefined }
  return ok({ tokens: read.value, limits, applied, ...start })
}

/** What `parse` made of the whole text; a failure when it stopped, or left something over. */
export function closeCursor<T>(cursor: Cursor, parsed: T | undefined): Result<T, Misread> {
  const rest = peek(cursor)
  if (parsed !== undefined && rest.kind !== 'end') fail(cursor, rest, unexpected(rest))
  if (parsed !== undefined && cursor.failure === undefined) return ok(parsed)
  return err(cursor.failure ?? { position: rest.position, reason: 'it cannot be read from here' })
}

/** The token at the cursor; at and after the end always the last one. */
export function peek(cursor: Cursor): Token {
  return (
    cursor.tokens[cursor.index] ?? { kind: 'end', position: cursor.tokens.at(-1)?.position ?? 0 }
  )
}

/** Notes the first failure; what follows it is noise. */
export function fail(cursor: Cursor, token: Token, reason: string): undefined {
  cursor.failure ??= { position: token.position, reason }
  return undefined
}

/** Advances over `keyword`, in any case, when the cursor stands at it. */
export function takeKeyword(cursor: Cursor, keyword: string): boolean {
  const token = peek(cursor)
  if (token.kind !== 'word' || token.text.toLowerCase() !== keyword) return false
  cursor.index += 1
  return true
}

function unexpected(token: Token): string {
  return token.kind === 'word' || token.kind === 'string'
    ? '"and" or "or" is expected here; a value with blanks stands in double quotes'
    : `nothing is open that "${token.kind}" could close`
}
