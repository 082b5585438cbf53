/** CONTRACT.md names tests that exist, and what of the contract is said in the configuration is so. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const read = (path: string): string =>
  readFileSync(fileURLToPath(new URL(path, import.meta.url).href), 'utf8')

const ROWS = read('./CONTRACT.md')
  .split('\n')
  .filter((line) => line.startsWith('| ') && line.includes('.test.ts'))
  .map((line) => line.slice(1, -1).split(' | '))

/** The title as the source has it, alone between its quotes. */
const names = (source: string, title: string): boolean =>
  ["'", '"', '`'].some((quote) => source.includes(`${quote}${title}${quote}`))

describe('CONTRACT.md', () => {
  it('has three cells a row, and more than a hundred rows', () => {
    expect(ROWS.filter((row) => row.length !== 3)).toEqual([])
    expect(ROWS.length).toBeGreaterThan(100)
  })

  it('names no test that does not exist', () => {
    const lost = ROWS.map((row) => row.map((cell) => cell.trim())).filter(
      ([, file = '', title = '']) => !names(read(`./${file}`), title),
    )
    expect(lost).toEqual([])
  })
})

it('the queue hands a bell over within a second, and the sweep looks every minute', () => {
  const configuration = read('../wrangler.toml')
  const [, exports = ''] = configuration.split('[[queues.consumers]]')
  expect(exports).toMatch(/^queue = "isthmus-export"$/m)
  expect(exports).toMatch(/^max_batch_timeout = 1$/m)
  expect(configuration).toMatch(/^crons = \["\* \* \* \* \*", /m)
})
