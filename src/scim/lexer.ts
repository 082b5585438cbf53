/**
 * Text -> tokens, for filters and PATCH paths (RFC 7644 figures 1 and 7). Pure; never throws; one pass.
 *
 * A word is anything between blanks, brackets and quotes: a name, a URN, an operator, a number or an unquoted
 * value (Q18). What a word means depends on where it stands, so the grammar decides.
 */
import { err, ok, type Result } from '../kernel/result.ts'

export type Token =
  | { readonly kind: 'word' | 'string'; readonly text: string; readonly position: number }
  | { readonly kind: '(' | ')' | '[' | ']' | 'end'; readonly position: number }

/** Where a text stops being understood, and what would be accepted there. */
export interface Misread {
  readonly position: number
  readonly reason: string
}

export interface TextLimits {
  /** A filter travels in a URL, which clients and proxies cut at 8 KB; Entra's filters stay under 300. */
  readonly maxCharacters: number
  /** The longest name that we know, with its URN, has 78 characters; unquoted values are short too. */
  readonly maxWordCharacters: number
}

/** A string with its quotes, as JSON has it: no bare control character (RFC 8259 section 7). */
const STRING = /"(?:[ !#-[\]-\u{10ffff}]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"/uy
const WORD = /[^\s()[\]"\p{Cc}]+/uy
const BLANKS = /\s*/y

/** Half a character, or NUL: no store gives them back as they were. */
const UNSTORABLE = /[\0\p{Surrogate}]/u

/** The tokens of `text`, the last of kind `end`; or the first place that is no token. */
export function tokenize(text: string, limits: TextLimits): Result<readonly Token[], Misread> {
  if (text.length > limits.maxCharacters)
    return misread(limits.maxCharacters, `at most ${limits.maxCharacters} characters are read`)
  const broken = text.search(UNSTORABLE)
  if (broken !== -1) return misread(broken, 'this is not a character')
  const tokens: Token[] = []
  for (let position = skipBlanks(text, 0); position < text.length;) {
    const read = readToken(text, position, limits)
    if (!read.ok) return read
    tokens.push(read.value.token)
    position = skipBlanks(text, read.value.end)
  }
  return ok([...tokens, { kind: 'end', position: text.length }])
}

type TokenRead = Result<{ readonly token: Token; readonly end: number }, Misread>

function readToken(text: string, position: number, limits: TextLimits): TokenRead {
  const kind = text.charAt(position)
  if (kind === '(' || kind === ')' || kind === '[' || kind === ']')
    return ok({ token: { kind, position }, end: position + 1 })
  return kind === '"' ? readString(text, position) : readWord(text, position, limits)
}

function readString(text: string, position: number): TokenRead {
  const raw = matchAt(STRING, text, position)
  if (raw === undefined)
    return misread(position, 'a string begins here that does not end as JSON strings do')
  const value = String(JSON.parse(raw))
  if (UNSTORABLE.test(value)) return misread(position, 'this string holds half a character or NUL')
  return ok({ token: { kind: 'string', text: value, position }, end: position + raw.length })
}

function readWord(text: string, position: number, limits: TextLimits): TokenRead {
  const word = matchAt(WORD, text, position)
  if (word === undefined) return misread(position, 'control characters are not accepted')
  if (word.length > limits.maxWordCharacters)
    return misread(
      position,
      `without quotes at most ${limits.maxWordCharacters} characters are read`,
    )
  return ok({ token: { kind: 'word', text: word, position }, end: position + word.length })
}

function skipBlanks(text: string, position: number): number {
  return position + (matchAt(BLANKS, text, position) ?? '').length
}

/** What the sticky `pattern` matches in `text` from `position` on. */
function matchAt(pattern: RegExp, text: string, position: number): string | undefined {
  pattern.lastIndex = position
  return pattern.exec(text)?.[0]
}

function misread(
  position: number,
  reason: string,
): { readonly ok: false; readonly error: Misread } {
  return err({ position, reason })
}
