import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/kernel/json.ts'
import type { ResourceType } from '../../src/scim/attributes.ts'
import { checkFilter } from '../../src/scim/check-filter.ts'
import { parseFilter } from '../../src/scim/filter.ts'
import { matchesElement, matchesFilter } from '../../src/scim/match.ts'
import { parsePath } from '../../src/scim/path.ts'
import { resolveAttribute } from '../../src/scim/resolve.ts'
import { GROUP, USER } from '../../src/scim/resource-types.ts'
import { ENTERPRISE_USER_URN } from '../../src/scim/urns.ts'
import figure2 from '../fixtures/rfc7644/figure-2-filters.json' with { type: 'json' }
import { filters } from './arbitrary-filter.ts'

const CUSTOM = 'urn:ietf:params:scim:schemas:extension:Custom:2.0:User'

const user: JsonObject = {
  id: 'usr_1',
  externalId: 'Abc',
  userName: 'Ärger@Example.com',
  displayName: 'True',
  nickName: '',
  active: true,
  profileUrl: 'https://example.com/A',
  name: { givenName: 'Bo', familyName: 'Zhang' },
  emails: [
    { value: 'Bo@Work.example', type: 'work', primary: true },
    { value: 'bo@home.example', type: 'home' },
  ],
  ims: [],
  photos: [{}],
  meta: { created: '2026-03-01T12:00:00.000Z', version: 'W/"3"' },
  [ENTERPRISE_USER_URN]: { department: 'Retail', manager: { value: 'usr_9' } },
  [CUSTOM]: { Tag: 'Red', count: 7, flag: true, list: ['a', 'b'], box: { inner: 'X' } },
}

function matches(text: string, resource: JsonObject = user, type: ResourceType = USER): boolean {
  const parsed = parseFilter(text)
  if (!parsed.ok) throw new Error('not a filter')
  const checked = checkFilter(parsed.value, type)
  if (!checked.ok) throw new Error('not a sensible filter')
  return matchesFilter(resource, checked.value, type)
}

describe('matchesFilter', () => {
  it.each(figure2.filters)('finds $matches for the RFC example $filter', (example) => {
    const found = Object.entries(figure2.users).filter(([, resource]) =>
      matches(example.filter, resource),
    )
    expect(found.map(([name]) => name)).toEqual(example.matches)
  })

  it.each([
    'userName eq "äRGER@example.COM"',
    'userName eq "A\u0308rger@example.com"',
    'displayName eq "true"',
    'id eq "usr_1"',
    'externalId eq "Abc"',
    'externalId ne "abc"',
    'profileUrl co "/A"',
    'active eq "True"',
    'active ne false',
    'userName sw "är" and userName ew ".COM" and userName co "@ex"',
    'name.familyName gt "yang" and name.familyName le "ZHANG"',
    'meta.created eq "2026-03-01T13:00:00+01:00"',
    'meta.created ge "2026-03-01" and meta.created lt "2026-03-02"',
    'meta.version eq "W/\\"3\\""',
    'emails eq "bo@work.example"',
    'emails.type eq "home"',
    'emails[type eq "home" and value sw "bo"]',
    'emails[type eq "work"].value eq "bo@work.example"',
    'emails[not (type eq "work")]',
    'emails[primary eq "true"]',
    'emails[primary eq null]',
    'manager eq "usr_9"',
    'manager.value pr and manager pr',
    `${ENTERPRISE_USER_URN}:department eq "retail"`,
    'department eq Retail',
    'name[givenName eq "bo"]',
    `${CUSTOM}:tag eq "red"`,
    `${CUSTOM}:count eq 7`,
    `${CUSTOM}:flag eq "True"`,
    `${CUSTOM}:list eq "b"`,
    `${CUSTOM}:box.inner eq "x"`,
    `${CUSTOM}:box pr`,
    `${CUSTOM.toUpperCase()}:TAG pr`,
  ])('finds the user with %s', (text) => {
    expect(matches(text)).toBe(true)
  })

  it.each([
    'externalId eq "abc"',
    'id eq "USR_1"',
    'profileUrl co "/a"',
    'active eq false',
    'name.familyName gt "zhang"',
    'meta.created gt "2026-03-01T12:00:00Z"',
    'emails[type eq "home" and value sw "bo@work"]',
    'emails[type eq "other"].value eq "bo@work.example"',
    'emails.type ne "work"',
    'title eq ""',
    'title co ""',
    'title lt "z"',
    `${CUSTOM}:box eq "x"`,
    `${CUSTOM}:other pr`,
    'urn:unknown:2.0:User:tag pr',
    `${CUSTOM}:constructor pr`,
    `${CUSTOM}:toString.name pr`,
  ])('does not find the user with %s', (text) => {
    expect(matches(text)).toBe(false)
  })

  it('counts an absent attribute as not equal', () => {
    expect(matches('title ne "x"')).toBe(true)
    expect(matches('emails.type ne "other"')).toBe(true)
  })

  it.each(['title', 'nickName', 'ims', 'photos', 'name.middleName', 'addresses.country'])(
    'takes %s as not present when it is absent or empty',
    (name) => {
      expect(matches(`${name} pr`)).toBe(false)
      expect(matches(`${name} eq null`)).toBe(true)
      expect(matches(`${name} ne null`)).toBe(false)
    },
  )

  it.each(['active', 'emails', 'name', 'meta', 'emails.primary'])('takes %s as present', (name) => {
    expect(matches(`${name} pr`)).toBe(true)
    expect(matches(`${name} eq null`)).toBe(false)
    expect(matches(`${name} ne null`)).toBe(true)
  })

  it('takes false as present', () => {
    expect(matches('active pr', { active: false })).toBe(true)
  })

  it('finds a group by its members', () => {
    const group = { id: 'grp_1', displayName: 'Sales', members: [{ value: 'usr_1' }] }
    expect(matches('displayName eq "SALES"', group, GROUP)).toBe(true)
    expect(matches('id eq "grp_1" and members eq "usr_1"', group, GROUP)).toBe(true)
    expect(matches('members[value eq "usr_2"]', group, GROUP)).toBe(false)
  })

  it('reads only own members of a resource', () => {
    const polluted = JSON.parse(`{"__proto__": {"title": "x"}, "${CUSTOM}": {"a": 1}}`)
    expect(matches('title pr', polluted)).toBe(false)
    expect(matches(`${CUSTOM}:hasOwnProperty pr`, polluted)).toBe(false)
  })

  it('looks into values of any depth and length', () => {
    const deep = JSON.parse('['.repeat(50_000) + ']'.repeat(50_000))
    const wide = [Array.from({ length: 300_000 }, () => '')]
    expect(matches(`${CUSTOM}:deep pr`, { [CUSTOM]: { deep, wide } })).toBe(false)
    expect(matches(`${CUSTOM}:wide pr`, { [CUSTOM]: { deep, wide } })).toBe(false)
  })

  it.each([
    'unknown eq "x"',
    'unknown pr',
    'unknown[value eq "x"]',
    'name eq "Zhang"',
    'active eq "yes"',
    'emails[unknown eq "x"]',
  ])('finds nobody with %s, also when nothing has refused it before (Q19)', (text) => {
    const parsed = parseFilter(text)
    if (!parsed.ok) throw new Error('not a filter')
    expect(checkFilter(parsed.value, USER).ok).toBe(false)
    expect(matchesFilter(user, parsed.value, USER)).toBe(false)
  })

  it('means the same before and after the values got the types of their attributes', () => {
    const resources = fc.oneof(
      fc.constant(user),
      fc.dictionary(fc.constantFrom('userName', 'emails', '__proto__', CUSTOM), fc.jsonValue()),
    )
    const meansTheSame = fc.property(resources, filters, (resource, filter) => {
      const checked = checkFilter(filter, USER)
      fc.pre(checked.ok)
      const expected = matchesFilter(resource as JsonObject, filter, USER)
      return matchesFilter(resource as JsonObject, checked.value, USER) === expected
    })
    expect(() => fc.assert(meansTheSame, { numRuns: 500 })).not.toThrow()
  })
})

describe('matchesElement', () => {
  it('applies the filter of a PATCH path to one element', () => {
    const path = parsePath('roles[primary eq "True" and value sw "ad"]')
    const roles = resolveAttribute({ attribute: 'roles' }, USER)!
    if (!path.ok || path.value.filter === undefined) throw new Error('not a path')
    expect(matchesElement({ primary: true, value: 'Admin' }, path.value.filter, roles)).toBe(true)
    expect(matchesElement({ primary: false, value: 'Admin' }, path.value.filter, roles)).toBe(false)
    expect(matchesElement('Admin', path.value.filter, roles)).toBe(false)
  })
})
