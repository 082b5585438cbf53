import { env } from 'cloudflare:workers'
import { sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'

import { connect } from '../../src/db/client.ts'
import { capitalsOf, foldLettersOf, foldPlain, isOdd, PLAIN } from '../../src/db/filter-sql-fold.ts'
import { foldCase } from '../../src/kernel/fold.ts'

const database = connect(env.DB)
const plain = PLAIN.flatMap(([first, last]) =>
  Array.from({ length: last - first + 1 }, (_, at) => String.fromCodePoint(first + at)),
)
const plainSet = new Set(plain)

/** Every character that Unicode may give a meaning to, but for the private and unassigned planes. */
const all = Array.from({ length: 0x30000 }, (_, at) => at)
  .filter((code) => code > 0 && (code < 0xd800 || code > 0xdfff))
  .map((code) => String.fromCodePoint(code))

const inBatches = <T>(list: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(list.length / size) }, (_, at) =>
    list.slice(at * size, (at + 1) * size),
  )

const value = sql`j.value`

describe('what SQL folds', () => {
  test('every plain character by itself, and nothing else', async () => {
    const wrong: string[] = []
    for (const batch of inBatches(all, 20_000)) {
      const [answer] = await database.run(
        sql`SELECT j.value AS text, ${isOdd(value)} AS is_odd, ${foldPlain(value)} AS folded
          FROM json_each(${JSON.stringify(batch)}) j ORDER BY j.key`,
      )
      for (const { text, is_odd: odd, folded } of answer?.rows ?? []) {
        const character = String(text)
        const isWrong = plainSet.has(character) ? folded !== foldCase(character) : odd === 0
        if (isWrong || (plainSet.has(character) && odd !== 0)) wrong.push(escape(character))
      }
    }
    expect(wrong).toEqual([])
  }, 60_000)

  test('plain characters beside each other, unless told apart', async () => {
    const marks = plain.filter((character) => /\p{M}/u.test(character))
    const letters = ['a', 'A', 'é', 'σ', 'ς', 'ก', 'क', '가', 'が', '\u1100', 'i', 'I']
    const others = plain.filter((_, at) => at % 997 === 0)
    const pairs = [...marks, ...letters].flatMap((a) =>
      [...marks, ...letters, ...others].map((b) => `${a}${b}`),
    )
    let told = 0
    const wrong: string[] = []
    for (const batch of inBatches(pairs, 20_000)) {
      const [answer] = await database.run(
        sql`SELECT j.value AS text, ${isOdd(value)} AS is_odd, ${foldPlain(value)} AS folded
          FROM json_each(${JSON.stringify(batch)}) j`,
      )
      for (const { text, is_odd: odd, folded } of answer?.rows ?? []) {
        if (odd === 1) told += 1
        else if (folded !== foldCase(String(text))) wrong.push(escape(String(text)))
      }
    }
    expect(wrong).toEqual([])
    expect([pairs.length > 5_000, told < pairs.length / 20, told > 0]).toEqual([true, true, true])
  }, 60_000)

  test('the letters that are looked for, from every capital that they have', async () => {
    const small = [...new Set(plain.map(foldCase))].filter((letter) => letter > '\u007f')
    const missing = plain.filter((character) => {
      const folded = foldCase(character)
      return character > '\u007f' && folded !== character && !capitalsOf(folded).includes(character)
    })
    expect(missing).toEqual([])
    const cased = small.filter((letter) => capitalsOf(letter).length > 0)
    expect(cased.length).toBeGreaterThan(400)
    for (const batch of inBatches(cased, 10)) {
      const wanted = batch.join('')
      const capitals = batch.map((letter) => capitalsOf(letter)[0]).join('')
      const [answer] = await database.run(
        sql`SELECT ${foldLettersOf(sql`${`A${capitals}z`}`, wanted)} AS folded`,
      )
      expect(answer?.rows).toEqual([{ folded: `a${wanted}z` }])
    }
  })
})

const escape = (text: string): string =>
  Array.from(text, (character) => `U+${character.codePointAt(0)?.toString(16)}`).join(' ')
