/**
 * `foldCase` in SQL. SQLite's `lower` folds ASCII alone and nothing there normalizes, so the letters of everyday names are
 * folded by ranges, and a text with any other character is told apart: of those only `foldCase` itself knows the key.
 * What is told apart are combining marks, characters that normalize to others, the capital sigma (whose small form
 * depends on its place), and capitals of seldom used alphabets. Pure.
 */
import { type SQL, sql } from 'drizzle-orm'

interface Letters {
  readonly first: number
  readonly last: number
  /** 2 where capitals and small letters take turns. */
  readonly step: 1 | 2
  /** From a capital to its small letter. */
  readonly shift: number
}

const letters = (first: number, last: number, step: 1 | 2, shift: number): Letters => {
  return { first, last, step, shift }
}

/** The capitals beyond ASCII among the plain characters. */
const CAPITALS: readonly Letters[] = [
  letters(0xc0, 0xd6, 1, 32),
  letters(0xd8, 0xde, 1, 32),
  letters(0x100, 0x12e, 2, 1),
  letters(0x132, 0x136, 2, 1),
  letters(0x139, 0x147, 2, 1),
  letters(0x14a, 0x176, 2, 1),
  letters(0x178, 0x178, 1, -121),
  letters(0x179, 0x17d, 2, 1),
  letters(0x1a0, 0x1a4, 2, 1),
  letters(0x1af, 0x1af, 1, 1),
  letters(0x1cd, 0x1db, 2, 1),
  letters(0x1de, 0x1ee, 2, 1),
  letters(0x1f8, 0x21e, 2, 1),
  letters(0x386, 0x386, 1, 38),
  letters(0x388, 0x38a, 1, 37),
  letters(0x38c, 0x38c, 1, 64),
  letters(0x38e, 0x38f, 1, 63),
  letters(0x391, 0x3a1, 1, 32),
  letters(0x3a4, 0x3ab, 1, 32),
  letters(0x400, 0x40f, 1, 80),
  letters(0x410, 0x42f, 1, 32),
  letters(0x460, 0x480, 2, 1),
  letters(0x48a, 0x4be, 2, 1),
  letters(0x4c0, 0x4c0, 1, 15),
  letters(0x4c1, 0x4cd, 2, 1),
  letters(0x4d0, 0x52e, 2, 1),
  letters(0x531, 0x556, 1, 48),
  letters(0x1e00, 0x1e94, 2, 1),
  letters(0x1e9e, 0x1e9e, 1, -7615),
  letters(0x1ea0, 0x1efe, 2, 1),
  letters(0xff21, 0xff3a, 1, 32),
]

/**
 * Plain characters, first and last of each range: each folds by itself, to one character that `CAPITALS` or ASCII tells,
 * and stays the same beside any other plain one.
 */
export const PLAIN: readonly (readonly [first: number, last: number])[] = [
  [0x1, 0x12f],
  [0x131, 0x17f],
  [0x1a0, 0x1a5],
  [0x1af, 0x1b0],
  [0x1cd, 0x1f0],
  [0x1f8, 0x21f],
  [0x250, 0x2ff],
  [0x386, 0x386],
  [0x388, 0x3a2],
  [0x3a4, 0x3ce],
  [0x400, 0x482],
  [0x48a, 0x52f],
  [0x531, 0x58f],
  [0x5d0, 0x5f4],
  [0x61b, 0x64a],
  [0x660, 0x66f],
  [0x671, 0x6d5],
  [0x6ee, 0x70f],
  [0x900, 0x93b],
  [0x93d, 0x950],
  [0x960, 0x97f],
  [0xe01, 0xe39],
  [0xe3f, 0xe5b],
  [0x10d0, 0x10ff],
  [0x1100, 0x1112],
  [0x1e00, 0x1eff],
  [0x2002, 0x20cf],
  [0x2100, 0x2125],
  [0x2150, 0x215f],
  [0x2190, 0x2328],
  [0x232b, 0x24b5],
  [0x2500, 0x2adb],
  [0x3000, 0x3029],
  [0x3030, 0x3098],
  [0x309b, 0xa63f],
  [0xac00, 0xd7a3],
  [0xfe00, 0xfe0f],
  [0xff00, 0xffef],
  [0x1f000, 0x2f7ff],
]

/** Plain marks in an order that normalization would change: Thai vowel after tone, virama after a Thai mark. */
const REORDERED = [
  '*[\u0e48-\u0e4b][\u0e38\u0e39]*',
  '*[\u0e38\u0e39\u0e48-\u0e4b]\u094d*',
] as const

/** D1 takes patterns of at most 50 bytes. */
const MAX_PATTERN_BYTES = 50

export const isAsciiText = (text: string): boolean => !/[\u0080-\uffff]/.test(text)

export const isAscii = (value: SQL): SQL => sql`length(${value}) = octet_length(${value})`

/** Folding letter by letter takes time by the square of the length: longer texts are left to `foldCase`. */
const MAX_FOLDED_BYTES = 2000

/**
 * Whether SQL cannot tell the key of a text: it holds a character that is not plain, or is very long and not ASCII. 1 or
 * 0, and null for null.
 */
export function isOdd(value: SQL): SQL {
  const tests = oddPatterns().map(
    (pattern) => sql`WHEN ${value} GLOB ${sql.raw(`'${pattern}'`)} THEN 1`,
  )
  const isLong = sql`octet_length(${value}) > ${sql.raw(String(MAX_FOLDED_BYTES))}`
  return sql`CASE WHEN ${isAscii(value)} THEN 0 WHEN ${isLong} THEN 1 ${sql.join(tests, sql` `)} ELSE 0 END`
}

/** The key of a plain text, null for null; an odd text comes as near to its key as the plain characters in it allow. */
export function foldPlain(value: SQL): SQL {
  const shifts = CAPITALS.map(({ first, last, step, shift }) => {
    const turn = step === 1 ? '' : ` AND (c - ${first}) % 2 = 0`
    return `WHEN c BETWEEN ${first} AND ${last}${turn} THEN c + ${shift}`
  })
  return sql`CASE WHEN ${value} IS NULL THEN NULL WHEN ${isAscii(value)} THEN lower(${value}) ELSE (
    WITH RECURSIVE text(v) AS (SELECT lower(${value})), place(i, c) AS (
      SELECT 1, unicode(v) FROM text UNION ALL
      SELECT i + 1, unicode(substr(v, i + 1, 1)) FROM text, place WHERE i < length(v))
    SELECT group_concat(char(CASE ${sql.raw(shifts.join(' '))} ELSE c END), '' ORDER BY i) FROM place) END`
}

/**
 * A plain text, folded as far as looking for `wanted` in it takes: to the letters of `wanted` and of ASCII; capitals of
 * others stay, and are no letter of `wanted` before and after.
 */
export function foldLettersOf(value: SQL, wanted: string): SQL {
  const beyond = new Set(Array.from(wanted).filter((letter) => letter > '\u007f'))
  const pairs = [...beyond].flatMap((small) => capitalsOf(small).map((capital) => [capital, small]))
  if (pairs.length > MAX_REPLACEMENTS) return foldPlain(value)
  return pairs.reduce(
    // Literals: these are letters of the table above.
    (folded, [capital, small]) => sql`replace(${folded}, ${sql.raw(`'${capital}', '${small}'`)})`,
    sql`lower(${value})`,
  )
}

/** D1 nests expressions 100 deep; the filter around this needs room too. */
const MAX_REPLACEMENTS = 12

/** The capitals whose small letter this is. */
export function capitalsOf(small: string): string[] {
  const code = small.codePointAt(0) ?? 0
  return CAPITALS.flatMap(({ first, last, step, shift }) => {
    const capital = code - shift
    const isOne = capital >= first && capital <= last && (capital - first) % step === 0
    return isOne ? [String.fromCodePoint(capital)] : []
  })
}

let patterns: readonly string[] | undefined

/** Made once, when first asked for: a Worker starts faster with an idle table. */
function oddPatterns(): readonly string[] {
  patterns ??= [...REORDERED, ...makePatterns()]
  return patterns
}

/** GLOB patterns for the characters between the plain ranges, as many of them in one as fit. */
function makePatterns(): string[] {
  const made: string[] = []
  let open = ''
  for (const range of oddRanges()) {
    if (byteLength(`*[${open}${range}]*`) > MAX_PATTERN_BYTES) {
      made.push(`*[${open}]*`)
      open = ''
    }
    open += range
  }
  return [...made, `*[${open}]*`]
}

function oddRanges(): string[] {
  const LAST = 0x10ffff
  const nexts = [...PLAIN.slice(1).map(([first]) => first), LAST + 1]
  return PLAIN.flatMap(([, last], at) => spellRange(last + 1, (nexts[at] ?? LAST + 1) - 1))
}

/** No text holds a surrogate, and a range must not end in one. */
function spellRange(first: number, last: number): string[] {
  if (first <= 0xd800 && last >= 0xdfff)
    return [...spellRange(first, 0xd7ff), ...spellRange(0xe000, last)]
  if (first > last) return []
  const [from, to] = [String.fromCodePoint(first), String.fromCodePoint(last)]
  return [first === last ? from : `${from}-${to}`]
}

const byteLength = (text: string): number => new TextEncoder().encode(text).byteLength
