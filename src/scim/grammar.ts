/**
 * The grammar of filters and of the filters inside PATCH paths (RFC 7644 figure 1). Pure; never throws.
 *
 * Recursive descent over tokens: each function takes the cursor, advances it and gives a tree, or undefined after
 * it noted in the cursor what went wrong. Recursion goes one round per open parenthesis or bracket, and those are
 * limited; chains of `and` and `or` are loops.
 */
import { parseAttributePath } from './attribute-path.ts'
import { fail, peek, takeKeyword, type Cursor } from './cursor.ts'
import type { Token } from './lexer.ts'
import type { AttributePath, CompareOperator, CompareValue, Filter } from './tree.ts'

const OPERATORS: ReadonlyMap<string, CompareOperator> = new Map(
  (['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'] as const).map((name) => [name, name]),
)

/** `or` binds loosest: `a and b or c` is `(a and b) or c`. */
export function parseOr(cursor: Cursor): Filter | undefined {
  let left = parseAnd(cursor)
  while (left !== undefined && takeKeyword(cursor, 'or')) {
    const right = parseAnd(cursor)
    left = right && { kind: 'or', left, right }
  }
  return left
}

function parseAnd(cursor: Cursor): Filter | undefined {
  let left = parseTerm(cursor)
  while (left !== undefined && takeKeyword(cursor, 'and')) {
    const right = parseTerm(cursor)
    left = right && { kind: 'and', left, right }
  }
  return left
}

function parseTerm(cursor: Cursor): Filter | undefined {
  const token = peek(cursor)
  if (token.kind === '(') return parseGroup(cursor)
  if (token.kind !== 'word')
    return fail(cursor, token, 'an attribute name, "not" or "(" is expected here')
  if (cursor.tokens[cursor.index + 1]?.kind === '(' && takeKeyword(cursor, 'not')) {
    const filter = parseGroup(cursor)
    return filter && { kind: 'not', filter }
  }
  const path = takeFilterPath(cursor, token)
  if (path === undefined) return undefined
  return peek(cursor).kind === '[' ? parseValuePath(cursor, path) : parseExpression(cursor, path)
}

function parseGroup(cursor: Cursor): Filter | undefined {
  return parseNested(cursor, ')')
}

/** `emails[type eq "work"]`, and `emails[type eq "work"].value eq "x"`, which is not in the grammar (Q17). */
function parseValuePath(cursor: Cursor, path: AttributePath): Filter | undefined {
  const filter = parseElementFilter(cursor)
  if (filter === undefined) return undefined
  const sub = takeSubAttribute(cursor)
  if (cursor.failure !== undefined) return undefined
  if (sub === undefined) return { kind: 'valuePath', path, filter }
  cursor.applied.add(17)
  const right = parseExpression(cursor, { attribute: sub })
  return right && { kind: 'valuePath', path, filter: { kind: 'and', left: filter, right } }
}

/** The filter between `[` and `]`, at which the cursor stands. */
export function parseElementFilter(cursor: Cursor): Filter | undefined {
  if (cursor.inElement)
    return fail(cursor, peek(cursor), 'inside [ ] a sub-attribute has no [ ] of its own')
  cursor.inElement = true
  const filter = parseNested(cursor, ']')
  cursor.inElement = false
  return filter
}

/** The `value` of the `.value` behind a `]`, if there is one. */
export function takeSubAttribute(cursor: Cursor): string | undefined {
  const token = peek(cursor)
  if (token.kind !== 'word' || !token.text.startsWith('.')) return undefined
  cursor.index += 1
  const path = parseAttributePath(token.text.slice(1))
  if (!path.ok) return fail(cursor, token, path.error)
  if (path.value.schema !== undefined || path.value.sub !== undefined)
    return fail(cursor, token, 'one sub-attribute is expected after ]')
  return path.value.attribute
}

/** The filter between the parenthesis or bracket at which the cursor stands and the one that closes it. */
function parseNested(cursor: Cursor, close: ')' | ']'): Filter | undefined {
  if (cursor.nesting === cursor.limits.maxNesting)
    return fail(
      cursor,
      peek(cursor),
      `at most ${cursor.limits.maxNesting} parentheses and brackets may be open`,
    )
  cursor.index += 1
  cursor.nesting += 1
  const filter = parseOr(cursor)
  cursor.nesting -= 1
  const end = peek(cursor)
  if (filter !== undefined && end.kind !== close)
    return fail(cursor, end, `"and", "or" or "${close}" is expected here`)
  cursor.index += 1
  return filter
}

/** What follows an attribute: `pr`, or an operator and a value. */
function parseExpression(cursor: Cursor, path: AttributePath): Filter | undefined {
  const token = peek(cursor)
  cursor.terms += 1
  if (cursor.terms > cursor.limits.maxTerms)
    return fail(cursor, token, `at most ${cursor.limits.maxTerms} comparisons are accepted`)
  if (takeKeyword(cursor, 'pr')) return { kind: 'present', path }
  const operator = token.kind === 'word' ? OPERATORS.get(token.text.toLowerCase()) : undefined
  if (operator === undefined)
    return fail(
      cursor,
      token,
      `an operator is expected here: pr, ${[...OPERATORS.keys()].join(', ')}`,
    )
  cursor.index += 1
  const value = takeValue(cursor)
  return value === undefined ? undefined : { kind: 'compare', path, operator, value }
}

function takeFilterPath(
  cursor: Cursor,
  token: Extract<Token, { text: string }>,
): AttributePath | undefined {
  const path = parseAttributePath(token.text)
  if (!path.ok) return fail(cursor, token, path.error)
  if (path.value.attribute === '')
    return fail(cursor, token, 'an attribute is expected after the schema URN')
  if (cursor.inElement && (path.value.schema !== undefined || path.value.sub !== undefined))
    return fail(cursor, token, 'inside [ ] the name of a sub-attribute is expected, alone')
  cursor.index += 1
  return path.value
}

function takeValue(cursor: Cursor): CompareValue | undefined {
  const token = peek(cursor)
  if (token.kind !== 'string' && token.kind !== 'word')
    return fail(cursor, token, 'a value is expected here, in double quotes if it is text')
  if (token.kind === 'word' && token.text.startsWith("'"))
    return fail(cursor, token, 'text stands in double quotes')
  cursor.index += 1
  if (token.kind === 'string') return token.text
  const value = unquotedValue(token.text)
  if (typeof value === 'string') cursor.applied.add(18)
  return value
}

/**
 * true, false, null and numbers are what JSON says; anything else is text that lost its quotes (Q18). So is a
 * number that would change on the way, such as 1.0 or twenty digits: the attribute may well hold text.
 */
function unquotedValue(word: string): CompareValue {
  if (word === 'true' || word === 'false') return word === 'true'
  if (word === 'null') return null
  return /^-?\d/.test(word) && String(Number(word)) === word ? Number(word) : word
}
