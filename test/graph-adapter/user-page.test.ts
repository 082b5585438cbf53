import { describe, expect, test } from 'vitest'

import { readUserPage } from '../../src/graph/user-page.ts'
import { listUsers } from '../../src/plan/requests.ts'

const page = (link?: string) =>
  readUserPage({ value: [], ...(link === undefined ? {} : { '@odata.nextLink': link }) })

const listing = { select: ['id'], top: 25, startsWith: undefined, skipToken: undefined }

describe('a page of users', () => {
  test('names the next one by the token of its link, letter by letter', () => {
    const link =
      'https://graph.microsoft.com/v1.0/users?$top=25&$skiptoken=RFNwdA%2bAB%3D%3D&$select=id'
    expect(page(link)?.nextToken).toBe('RFNwdA%2bAB%3D%3D')
    expect(page('https://graph.microsoft.com/v1.0/users?%24skiptoken=X1')?.nextToken).toBe('X1')
    expect(page()?.nextToken).toBeNull()
  })

  test('that names a next one which could not be asked for is none', () => {
    expect(page('https://graph.microsoft.com/v1.0/users?$top=25')).toBeUndefined()
    expect(page('https://graph.microsoft.com/v1.0/users?$skiptoken=a b')).toBeUndefined()
    expect(readUserPage({ error: {} })).toBeUndefined()
  })
})

describe('the request for a page of users', () => {
  test('holds the token as it came, and takes none that would end the parameter', () => {
    expect(listUsers({ ...listing, skipToken: 'A%2bB=' }).url).toBe(
      '/users?$select=id&$top=25&$skiptoken=A%2bB=',
    )
    for (const skipToken of ['a&$top=1', 'a#b', 'a b', ''])
      expect(() => listUsers({ ...listing, skipToken })).toThrow(RangeError)
  })

  test('looks for what the names begin with; quotes and other signs are taken as they are', () => {
    const { url } = listUsers({ ...listing, startsWith: "o'n&$top=9" })
    const query = new URL(`https://graph.test${url}`).searchParams
    expect(query.get('$filter')?.split(' or ')[0]).toBe("startsWith(displayName,'o''n&$top=9')")
    expect(query.get('$top')).toBe('25')
  })
})
