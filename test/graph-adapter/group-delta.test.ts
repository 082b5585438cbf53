import { describe, expect, test } from 'vitest'

import { groupsFromNow, readGroupDelta } from '../../src/graph/group-delta.ts'

const NEXT = 'https://graph.microsoft.com/v1.0/groups/delta?$skiptoken=a'
const LAST = 'https://graph.microsoft.com/v1.0/groups/delta?$deltatoken=b'
const gone = { '@removed': { reason: 'deleted' } }

describe('a delta query over groups', () => {
  test('begins now, tracks names and members, and gives way to what people wait for', () => {
    expect(groupsFromNow()).toEqual({
      method: 'GET',
      url: '/groups/delta?$select=displayName,members&$deltatoken=latest',
      headers: { 'x-ms-throttle-priority': 'low' },
    })
  })
})

describe('a page of groups', () => {
  test('tells names, members who came and went, what is gone, and where to go on', () => {
    const page = readGroupDelta({
      '@odata.nextLink': NEXT,
      value: [
        { id: 'a', displayName: 'Sales', 'members@delta': [{ id: 'm1' }, { id: 'm2', ...gone }] },
        { id: 'a', 'members@delta': [{ id: 'm3' }, 'nonsense', {}] },
        { id: 'b', ...gone },
        { displayName: 'without id' },
        null,
      ],
    })
    const nothing = { isRemoved: false, displayName: undefined, added: [], removed: [] }
    expect(page).toEqual({
      groups: [
        { ...nothing, id: 'a', displayName: 'Sales', added: ['m1'], removed: ['m2'] },
        { ...nothing, id: 'a', added: ['m3'] },
        { ...nothing, id: 'b', isRemoved: true },
      ],
      nextLink: NEXT,
      deltaLink: null,
    })
  })

  test('is none without a list, or without a link', () => {
    expect(readGroupDelta({ value: [], '@odata.deltaLink': LAST })).toMatchObject({ groups: [] })
    expect(readGroupDelta({ value: [] })).toBeUndefined()
    expect(readGroupDelta({ '@odata.deltaLink': LAST })).toBeUndefined()
    expect(readGroupDelta(undefined)).toBeUndefined()
  })
})
