import { describe, expect, it } from 'vitest'
import { GROUP, USER } from '../../src/scim/resource-types.ts'
import { readSortBy } from '../../src/scim/sort-by.ts'
import { ENTERPRISE_USER_URN } from '../../src/scim/urns.ts'

/** The attribute, and its sub-attribute, that a user list is sorted by; or why it cannot be. */
function sorted(sortBy: string | undefined, sortOrder?: string, type = USER) {
  const read = readSortBy(sortBy, sortOrder, type)
  if (!read.ok) return read.error
  if (read.value === undefined) return undefined
  const { attribute, isDescending } = read.value
  return [attribute.definition.name, attribute.sub?.name, isDescending]
}

describe('readSortBy', () => {
  it.each([
    ['userName', 'userName', undefined],
    ['USERNAME', 'userName', undefined],
    [' userName ', 'userName', undefined],
    ['name.familyName', 'name', 'familyName'],
    ['meta.lastModified', 'meta', 'lastModified'],
    [`${ENTERPRISE_USER_URN}:department`, 'department', undefined],
  ])('finds the attribute that %j names', (sortBy, name, sub) => {
    expect(sorted(sortBy)).toEqual([name, sub, false])
  })

  it.each(['emails', 'manager'])('sorts by the value of %s, which is complex', (name) => {
    expect(sorted(name)).toEqual([name, 'value', false])
  })

  it.each([
    [undefined, false],
    ['ascending', false],
    ['descending', true],
    ['Descending', true],
    ['', false],
  ])('takes the order %s as descending: %s', (order, isDescending) => {
    expect(sorted('userName', order)).toEqual(['userName', undefined, isDescending])
  })

  it.each([
    ['nonsense', 'User has no attribute nonsense'],
    ['name.nonsense', 'name.nonsense'],
    ['a.b.c', 'at most one dot'],
    ['.', 'letter'],
    ['name', 'sort by a sub-attribute'],
    ['password', 'cannot be searched'],
    ['members', 'User has no attribute members'],
  ])('refuses %j and says why: %s', (sortBy, reason) => {
    expect(sorted(sortBy)).toEqual({
      kind: 'invalidValue',
      attribute: 'sortBy',
      reason: expect.stringContaining(reason),
    })
  })

  it('sorts by nothing when no attribute is named', () => {
    expect(sorted('', 'descending')).toBeUndefined()
    expect(sorted(undefined)).toBeUndefined()
  })

  it.each(['userName', undefined])('refuses an order that is none, with sortBy %s', (sortBy) => {
    expect(sorted(sortBy, 'Downwards')).toEqual({
      kind: 'invalidValue',
      attribute: 'sortOrder',
      reason: '"downwards" is no order; ascending or descending is expected',
    })
  })

  it('knows the attributes of groups', () => {
    expect(sorted('displayName', 'descending', GROUP)).toEqual(['displayName', undefined, true])
    expect(sorted('userName', undefined, GROUP)).toMatchObject({ kind: 'invalidValue' })
  })
})
