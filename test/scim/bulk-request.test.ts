import { describe, expect, it } from 'vitest'
import {
  bulkReferences,
  deferReferences,
  resolveReferences,
} from '../../src/scim/bulk-references.ts'
import { bulkTarget, parseBulkRequest, type BulkMethod } from '../../src/scim/bulk-request.ts'

const LIMITS = { maxOperations: 3, maxPayloadSize: 1000 }
const post = { method: 'POST', path: '/Users', bulkId: 'a', data: {} }

describe('parseBulkRequest', () => {
  it('reads names and methods in any case', () => {
    const body = {
      FailOnErrors: 2,
      operations: [{ Method: 'post', PATH: '/Users', bulkid: 'a', Data: {} }],
    }
    expect(parseBulkRequest(body, LIMITS)).toEqual({
      ok: true,
      value: { failOnErrors: 2, operations: [post] },
    })
  })

  it('accepts no operations', () => {
    expect(parseBulkRequest({ Operations: [] }, LIMITS)).toMatchObject({ ok: true })
  })

  it.each([
    ['no object', [], 'The BulkRequest body must be a JSON object.'],
    ['no operations', {}, 'Operations of the BulkRequest body is missing'],
    ['operations that are no array', { Operations: {} }, 'must be an array of operations'],
    ['an operation that is no object', { Operations: ['x'] }, 'Operations[0] of the BulkRequest'],
    ['another method', { Operations: [{ ...post, method: 'GET' }] }, 'Operations[0].method'],
    ['no path', { Operations: [{ ...post, path: null }] }, 'Operations[0].path'],
    ['a POST without bulkId', { Operations: [{ ...post, bulkId: null }] }, 'needs a bulkId'],
    ['an empty bulkId', { Operations: [{ ...post, bulkId: '' }] }, 'must not be empty'],
    ['a PUT without data', { Operations: [{ method: 'PUT', path: '/Users/1' }] }, 'needs data'],
    ['a bulkId twice', { Operations: [post, post] }, 'Operations[1].bulkId'],
    ['no error allowed', { Operations: [post], failOnErrors: 0 }, 'must be a whole number from 1'],
    ['half an error', { Operations: [post], failOnErrors: 1.5 }, 'must be a whole number from 1'],
  ])('refuses %s', (_, body, reason) => {
    expect(parseBulkRequest(body, LIMITS)).toMatchObject({
      ok: false,
      error: { kind: 'invalidSyntax', reason: expect.stringContaining(reason) },
    })
  })

  it('lets operations that create nothing repeat a bulkId, which nobody refers to', () => {
    const put = { method: 'PUT', path: '/Users/1', bulkId: 'a', data: {} }
    const remove = { method: 'DELETE', path: '/Users/2', bulkId: 'a' }
    expect(parseBulkRequest({ Operations: [post, put, remove] }, LIMITS)).toEqual({
      ok: true,
      value: { operations: [post, put, remove] },
    })
  })

  it('refuses more operations than the limit', () => {
    const operations = Array.from({ length: 4 }, (_, index) => ({ ...post, bulkId: `b${index}` }))
    expect(parseBulkRequest({ Operations: operations }, LIMITS)).toEqual({
      ok: false,
      error: { kind: 'tooManyOperations', limit: 3 },
    })
  })
})

describe('bulkTarget', () => {
  it.each<[BulkMethod, string, object]>([
    ['POST', '/Users', { endpoint: '/Users' }],
    ['POST', 'groups/', { endpoint: '/Groups' }],
    ['PATCH', '/users/usr_1', { endpoint: '/Users', id: 'usr_1' }],
    ['DELETE', '/Groups/bulkId:a', { endpoint: '/Groups', id: 'bulkId:a' }],
  ])('%s %s', (method, path, value) => {
    expect(bulkTarget({ method, path })).toEqual({ ok: true, value })
  })

  it.each<[BulkMethod, string]>([
    ['POST', '/Bulk'],
    ['POST', '/Users/usr_1'],
    ['POST', '/Users/.search/x'],
    ['PUT', '/Users'],
    ['PATCH', '/Users/a?attributes=id'],
    ['DELETE', '/Schemas/x'],
    ['DELETE', 'https://elsewhere.example/Users/1'],
  ])('refuses %s %s', (method, path) => {
    expect(bulkTarget({ method, path })).toMatchObject({ error: { kind: 'invalidPath', path } })
  })
})

describe('references', () => {
  const data = {
    displayName: 'bulk of "bulkId:no"',
    members: [{ value: 'bulkId:a', $ref: null }, 'bulkId:b'],
    Operations: [{ op: 'remove', path: 'members[value eq "bulkId:c" or value eq "x"]' }],
  }

  it('stand in values and in the filters of paths', () => {
    expect([...bulkReferences(data)]).toEqual(['a', 'b', 'c'])
  })

  it('become ids', () => {
    expect(resolveReferences(data, (bulkId) => `id-${bulkId}`)).toEqual({
      ok: true,
      value: {
        displayName: 'bulk of "bulkId:no"',
        members: [{ value: 'id-a', $ref: null }, 'id-b'],
        Operations: [{ op: 'remove', path: 'members[value eq "id-c" or value eq "x"]' }],
      },
    })
    expect(resolveReferences(data, () => undefined)).toEqual({ ok: false, error: 'a' })
  })

  it('into a circle are left out where a resource can do without them', () => {
    const urn = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
    const user = {
      userName: 'ann',
      title: 'bulkId:z',
      [urn]: { department: 'Sales', manager: { value: 'bulkId:a' } },
    }
    expect(deferReferences(user, new Set(['a']))).toEqual({
      data: { userName: 'ann', title: 'bulkId:z', [urn]: { department: 'Sales' } },
      deferred: [{ path: `${urn}:manager`, value: { value: 'bulkId:a' } }],
    })
    expect(deferReferences({ ...user, title: 'bulkId:a' }, new Set(['a']))).toBeUndefined()
    expect(deferReferences('bulkId:a', new Set(['a']))).toBeUndefined()
    expect(deferReferences({ [`${urn}:manager`]: 'bulkId:a' }, new Set(['a']))).toEqual({
      data: {},
      deferred: [{ path: `${urn}:manager`, value: 'bulkId:a' }],
    })
  })
})
