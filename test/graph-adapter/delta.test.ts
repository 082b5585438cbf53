import { describe, expect, test } from 'vitest'

import { allUsers, followLink, readDeltaPage } from '../../src/graph/delta.ts'

const NEXT = 'https://graph.microsoft.com/v1.0/users/delta?$skiptoken=a'
const LAST = 'https://graph.microsoft.com/v1.0/users/delta?$deltatoken=b'

describe('a delta query', () => {
  test('selects what is compared, and gives way to what people wait for', () => {
    expect(allUsers(['id', 'jobTitle', 'manager'])).toEqual({
      method: 'GET',
      url: '/users/delta?$select=id,jobTitle,manager',
      headers: { 'x-ms-throttle-priority': 'low' },
    })
    expect(followLink(NEXT)).toMatchObject({ method: 'GET', url: NEXT })
  })
})

describe('a page', () => {
  test('tells users, who was removed, and where to go on', () => {
    const page = readDeltaPage({
      '@odata.nextLink': NEXT,
      value: [
        { id: 'a', jobTitle: 'Boss', 'jobTitle@odata.type': '#String' },
        { id: 'b', '@removed': { reason: 'changed' } },
        { id: 'c', '@removed': { reason: 'deleted' } },
      ],
    })
    expect(page).toEqual({
      users: [
        { id: 'a', removed: null, properties: { id: 'a', jobTitle: 'Boss' }, manager: undefined },
        { id: 'b', removed: 'changed', properties: { id: 'b' }, manager: undefined },
        { id: 'c', removed: 'deleted', properties: { id: 'c' }, manager: undefined },
      ],
      nextLink: NEXT,
      deltaLink: null,
    })
    expect(readDeltaPage({ value: [], '@odata.deltaLink': LAST })).toEqual({
      users: [],
      nextLink: null,
      deltaLink: LAST,
    })
  })

  test.each([
    [[{ id: 'm' }], 'm'],
    [[{ id: 'old', '@removed': { reason: 'deleted' } }, { id: 'm' }], 'm'],
    [[{ id: 'm' }, { id: 'old', '@removed': { reason: 'deleted' } }], 'm'],
    [[{ id: 'old', '@removed': { reason: 'deleted' } }], null],
    [[], null],
  ])('reads the manager of %j', (links, manager) => {
    const body = { value: [{ id: 'a', 'manager@delta': links }], '@odata.deltaLink': LAST }
    expect(readDeltaPage(body)?.users[0]?.manager).toBe(manager)
  })

  test('makes one user of several rows: what is told last counts', () => {
    const rows = [
      { id: 'a', jobTitle: 'One', city: 'Bern', 'manager@delta': [{ id: 'm' }] },
      { id: 'a', jobTitle: 'Two' },
      { id: 'b', jobTitle: 'One' },
      { id: 'b', '@removed': { reason: 'changed' } },
      { id: 'c', '@removed': { reason: 'changed' } },
      { id: 'c', jobTitle: 'Restored' },
    ]
    expect(readDeltaPage({ value: rows, '@odata.deltaLink': LAST })?.users).toEqual([
      {
        id: 'a',
        removed: null,
        properties: { id: 'a', jobTitle: 'Two', city: 'Bern' },
        manager: 'm',
      },
      { id: 'b', removed: 'changed', properties: { id: 'b' }, manager: undefined },
      { id: 'c', removed: null, properties: { id: 'c', jobTitle: 'Restored' }, manager: undefined },
    ])
  })

  test.each([undefined, null, 'x', {}, { value: [] }, { value: {}, '@odata.deltaLink': LAST }])(
    'is none: %j',
    (body) => {
      expect(readDeltaPage(body)).toBeUndefined()
    },
  )
})
