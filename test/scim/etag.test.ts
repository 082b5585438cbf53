import { describe, expect, it } from 'vitest'
import { etag, fingerprint, ifMatch, ifNoneMatch } from '../../src/scim/etag.ts'

it('shows a version as a weak entity tag', () => {
  expect(etag(7)).toBe('W/"7"')
  expect(etag(7, 'abc')).toBe('W/"7-abc"')
})

it('fingerprints texts whatever their order', () => {
  expect(fingerprint([])).toBe('')
  expect(fingerprint(['a', 'b'])).toBe(fingerprint(['b', 'a']))
  const different = [['a'], ['b'], ['ab'], ['a', 'b'], ['a', 'b', ''], ['b', 'ab'], ['']]
  expect(new Set(different.map(fingerprint)).size).toBe(different.length)
})

it('what is beside the row counts for reading and not for changing', () => {
  const tag = etag(7, 'abc')
  expect([ifNoneMatch(tag, tag), ifNoneMatch(etag(7), tag), ifNoneMatch('*', tag)]).toEqual([
    false,
    true,
    false,
  ])
  expect([ifMatch(tag, 7), ifMatch(etag(7, 'xyz'), 7), ifMatch(tag, 8)]).toEqual([
    true,
    true,
    false,
  ])
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
    expect(ifNoneMatch(header, etag(7))).toBe(noneMatches)
  })
})
