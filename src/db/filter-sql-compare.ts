/** One value against one operand in SQL: what `matchesFilter` does in JavaScript. Pure. */
import { type SQL, sql } from 'drizzle-orm'

import { assertNever } from '../kernel/result.ts'
import type { AttributeDefinition } from '../scim/attributes.ts'
import { coerceOperand, comparable } from '../scim/operand.ts'
import type { CompareOperator, CompareValue } from '../scim/tree.ts'
import { foldLettersOf, foldPlain, isAscii, isAsciiText, isOdd } from './filter-sql-fold.ts'
import type { Term, Values } from './filter-sql-value.ts'

export const FALSE: Term = { sql: sql`0`, isExact: true }
export const UNDECIDED: Term = { sql: sql`NULL`, isExact: false }

export function negate({ sql: inner, isExact }: Term): Term {
  return { sql: sql`(NOT ${inner})`, isExact }
}

/** Whether one of the values at a place stands in the relation to the operand; `ne` is the negation of `eq` over all. */
export type Positive = Exclude<CompareOperator, 'ne'>

/** Undefined when the operand is none of the attribute's type, so that nothing can match. */
export function compareValue(
  values: Values,
  definition: AttributeDefinition,
  operator: Positive,
  operand: CompareValue,
): Term | undefined {
  const coerced = coerceOperand(operand, definition)
  if (coerced === undefined || coerced === null) return undefined
  const wanted = comparable(coerced, definition)
  if (wanted === undefined) return undefined
  const term = compareForm(values, definition, operator, wanted)
  if (values.isVague === undefined) return term
  return { sql: sql`CASE WHEN ${values.isVague} THEN NULL ELSE ${term.sql} END`, isExact: false }
}

function compareForm(
  { value, form }: Values,
  { caseExact }: AttributeDefinition,
  operator: Positive,
  wanted: string | number | boolean,
): Term {
  switch (form) {
    case 'object':
      return FALSE
    case 'unknown':
      return UNDECIDED
    case 'flag':
      return { sql: sql`${value} IS ${sql.raw(wanted === true ? '1' : '0')}`, isExact: true }
    case 'instant':
      return { sql: relate(value, operator, sql`${wanted}`), isExact: true }
    case 'key':
      return { sql: relateText(value, operator, String(wanted)), isExact: true }
    case 'text':
      return caseExact
        ? { sql: relateText(value, operator, String(wanted)), isExact: true }
        : compareFolded(value, operator, String(wanted))
    default:
      return assertNever(form)
  }
}

const RELATIONS = { eq: '=', gt: '>', ge: '>=', lt: '<', le: '<=' } as const

/** Never null. */
function relate(value: SQL, operator: Positive, wanted: SQL): SQL {
  if (operator === 'eq') return sql`${value} IS ${wanted}`
  if (operator === 'co' || operator === 'sw' || operator === 'ew') return sql`0`
  return sql`ifnull(${value} ${sql.raw(RELATIONS[operator])} ${wanted}, 0)`
}

/** Never null. Texts are ordered by their bytes, which is the order of code points. */
function relateText(value: SQL, operator: Positive, wanted: string): SQL {
  const isPart = operator === 'co' || operator === 'sw' || operator === 'ew'
  if (isPart && wanted === '') return sql`(${value} IS NOT NULL)`
  const length = sql.raw(String(Array.from(wanted).length))
  if (operator === 'co') return sql`ifnull(instr(${value}, ${wanted}) > 0, 0)`
  if (operator === 'sw') return sql`substr(${value}, 1, ${length}) IS ${wanted}`
  if (operator === 'ew') return sql`substr(${value}, -${length}) IS ${wanted}`
  return relate(value, operator, sql`${wanted}`)
}

/** Ignoring case; null for values whose key SQL cannot tell, where it matters. */
function compareFolded(value: SQL, operator: Positive, wanted: string): Term {
  const isAsciiWanted = isAsciiText(wanted)
  const isOrder = operator !== 'eq' && operator in RELATIONS
  if (!isOrder && isAsciiWanted) return compareAscii(value, operator, wanted)
  const test = isOrder
    ? relateText(foldPlain(value), operator, wanted)
    : // Letters beyond ASCII are in no ASCII text.
      sql`CASE WHEN ${isAscii(value)} THEN 0 ELSE ${relateText(foldLettersOf(value, wanted), operator, wanted)} END`
  return {
    sql: sql`CASE WHEN ${value} IS NULL THEN 0 WHEN ${isOdd(value)} THEN NULL ELSE ${test} END`,
    isExact: false,
  }
}

/** Characters beyond ASCII that fold to ASCII alone. */
const ODD_ASCII = [
  ['\u212a', 'k'],
  ['\u1fef', '`'],
  ['\u037e', ';'],
] as const

/** The one that folds to a letter of ASCII and a mark. */
const DOTTED_I = ['\u0130', 'i'] as const

/**
 * ASCII in a key comes from ASCII in the text and the few characters above, so that every match is also one here; what
 * matches in part is to be plain besides: the last letter that matched may belong to the mark behind it.
 */
function compareAscii(value: SQL, operator: Positive, wanted: string): Term {
  const isWhole = operator === 'eq' || wanted === ''
  const odd = (isWhole ? ODD_ASCII : [...ODD_ASCII, DOTTED_I]).filter(([, letter]) =>
    wanted.includes(letter),
  )
  const folded = odd.reduce(
    (text, [from, to]) => sql`replace(${text}, ${sql.raw(`'${from}', '${to}'`)})`,
    sql`lower(${value})`,
  )
  const test = relateText(folded, operator, wanted)
  if (isWhole) return { sql: test, isExact: true }
  return {
    sql: sql`CASE WHEN ${test} THEN CASE WHEN ${isOdd(value)} THEN NULL ELSE 1 END ELSE 0 END`,
    isExact: false,
  }
}
