import { describe, expect, it } from 'vitest'
import { parseRetryAfter } from '../../src/graph/retry-after.ts'

const DATE = 'Wed, 21 Oct 2026 07:28:00 GMT'

describe('Retry-After', () => {
  it.each([
    ['12', 12],
    ['0.124', 1],
    ['2.128', 3],
    ['0', 1],
    [' 5 ', 5],
    ['86400', 3600],
    ['1'.repeat(400), undefined],
  ])('of "%s" means %s seconds', (value, seconds) => {
    expect(parseRetryAfter(value)).toBe(seconds)
  })

  it.each([undefined, '', '-3', 'soon', 'NaN', 'Infinity', '1e3', '12s'])(
    'of "%s" means nothing',
    (value) => {
      expect(parseRetryAfter(value, DATE)).toBeUndefined()
    },
  )

  it("as a date is read against the answer's own date", () => {
    expect(parseRetryAfter('Wed, 21 Oct 2026 07:28:30 GMT', DATE)).toBe(30)
    expect(parseRetryAfter('Wed, 21 Oct 2026 07:27:30 GMT', DATE)).toBeUndefined()
    expect(parseRetryAfter('Wed, 21 Oct 2026 07:28:30 GMT')).toBeUndefined()
  })
})
