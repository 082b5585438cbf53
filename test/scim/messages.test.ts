import { describe, expect, it } from 'vitest'
import { toScimError } from '../../src/scim/fault.ts'
import {
  errorBody,
  listResponse,
  MAX_OPERATIONS,
  parsePatchRequest,
  parseSearchRequest,
  splitNames,
} from '../../src/scim/messages.ts'

const reasonOf = (parsed: { ok: boolean; error?: unknown }): unknown => parsed.error

const removals = (length: number): unknown[] =>
  Array.from({ length }, () => ({ op: 'remove', path: 'title' }))

describe('parsePatchRequest', () => {
  it('reads names and op in any case', () => {
    const body = { OPERATIONS: [{ OP: 'REPLACE', Path: 'title', VALUE: null }] }
    expect(parsePatchRequest(body)).toEqual({
      ok: true,
      value: { operations: [{ op: 'replace', path: 'title', value: null }], quirks: [1] },
    })
  })

  it('takes a null or empty path for no path, and a missing value for none', () => {
    const body = {
      operations: [
        { op: 'remove', path: null },
        { op: 'add', path: '', value: {} },
      ],
    }
    expect(parsePatchRequest(body)).toMatchObject({
      value: { operations: [{ op: 'remove' }, { op: 'add', value: {} }], quirks: [] },
    })
  })

  it('accepts no operations (Q32)', () => {
    expect(parsePatchRequest({ Operations: [] })).toEqual({
      ok: true,
      value: { operations: [], quirks: [32] },
    })
  })

  const refused: readonly (readonly [string, unknown, string])[] = [
    ['a body that is no object', [], 'The PatchOp body must be a JSON object.'],
    ['a body that is null', null, 'The PatchOp body must be a JSON object.'],
    ['no operations at all', {}, 'Operations of the PatchOp body is missing'],
    [
      'operations that are no array',
      { Operations: {} },
      'Operations of the PatchOp body must be an array',
    ],
    [
      'an unknown op',
      { Operations: [{ op: 'add', value: 1 }, { op: 'move' }] },
      'Operations[1].op',
    ],
    ['a missing op', { Operations: [{ path: 'x' }] }, 'Operations[0].op'],
    ['a path that is no text', { Operations: [{ op: 'add', path: 1 }] }, 'Operations[0].path'],
    ['an operation that is no object', { Operations: ['add'] }, 'Operations[0]'],
    [
      'too many operations',
      { Operations: removals(MAX_OPERATIONS + 1) },
      'Operations of the PatchOp body holds more than 1000',
    ],
  ]
  it.each(refused)('refuses %s and names the place', (_title, body, place) => {
    expect(reasonOf(parsePatchRequest(body))).toMatchObject({
      kind: 'invalidSyntax',
      reason: expect.stringContaining(place) as string,
    })
  })

  it('takes exactly as many operations as it says', () => {
    expect(parsePatchRequest({ Operations: removals(MAX_OPERATIONS) }).ok).toBe(true)
  })
})

describe('parseSearchRequest', () => {
  it('reads every parameter, names in any case, null as absent', () => {
    const body = {
      schemas: ['x'],
      attributes: ['userName'],
      excludedattributes: 'emails, name.givenName',
      filter: 'userName eq "a"',
      sortBy: 'userName',
      sortOrder: 'descending',
      startIndex: 1,
      count: 10,
      cursor: null,
    }
    expect(parseSearchRequest(body)).toEqual({
      ok: true,
      value: {
        attributes: ['userName'],
        excludedAttributes: ['emails', 'name.givenName'],
        filter: 'userName eq "a"',
        sortBy: 'userName',
        sortOrder: 'descending',
        startIndex: 1,
        count: 10,
      },
    })
  })

  it('keeps an empty cursor, which asks for the first page', () => {
    expect(parseSearchRequest({ cursor: '' })).toEqual({ ok: true, value: { cursor: '' } })
  })

  it.each([
    [{ count: 'ten' }, 'count'],
    [{ startIndex: 1.5 }, 'startIndex'],
    [{ sortOrder: 7 }, 'sortOrder'],
    [{ attributes: 7 }, 'attributes'],
    ['x', 'SearchRequest'],
  ])('refuses %o and names the place', (body, place) => {
    expect(reasonOf(parseSearchRequest(body))).toMatchObject({
      kind: 'invalidSyntax',
      reason: expect.stringContaining(place) as string,
    })
  })
})

it('splits a list of names at commas outside brackets', () => {
  expect(splitNames('userName, emails[type eq "a,b"].value,,id ')).toEqual([
    'userName',
    'emails[type eq "a,b"].value',
    'id',
  ])
})

it('builds a list response for both kinds of paging', () => {
  const page = { resources: [{ id: '1' }], totalResults: 3, itemsPerPage: 1 }
  expect(listResponse({ ...page, startIndex: 1 })).toEqual({
    schemas: ['urn:ietf:params:scim:api:messages:2.0:ListResponse'],
    totalResults: 3,
    itemsPerPage: 1,
    startIndex: 1,
    Resources: [{ id: '1' }],
  })
  expect(listResponse({ ...page, nextCursor: 'n' })).toMatchObject({ nextCursor: 'n' })
})

it('builds an error body whose status is a text and without what is absent', () => {
  expect(errorBody(toScimError({ kind: 'notFound', what: 'User usr_1' }))).toEqual({
    schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
    status: '404',
    detail: 'User usr_1 was not found.',
  })
  expect(errorBody(toScimError({ kind: 'noTarget', path: 'x' }))).toMatchObject({
    status: '400',
    scimType: 'noTarget',
  })
})
