import { describe, expect, it } from 'vitest'
import { etag, ifMatch, ifNoneMatch } from '../../src/scim/etag.ts'

it('shows a version as a weak entity tag', () => {
  expect(etag(7)).toBe('W/"7"')
})

describe('If-Match and If-None-Match', () => {
  const cases: readonly (readonly [string | null | undefined, boolean, boolean])[] = [
    [undefined, true, true],
    [null, true, true],
    ['*', true, false],
    ['W/"7"', true, false],
    ['"7"', true, false],
    ['W/"6", W/"7"', true, false],
    ['W/"6","8"', false, true],
    ['W/"77"', false, true],
    ['7', false, true],
    ['', false, true],
  ]
  it.each(cases)('%s against version 7: change %s, read %s', (header, matches, noneMatches) => {
    expect(ifMatch(header, 7)).toBe(matches)
    expect(ifNoneMatch(header, 7)).toBe(noneMatches)
  })
})
