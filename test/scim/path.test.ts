import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toScimError } from '../../src/scim/fault.ts'
import { parsePath } from '../../src/scim/path.ts'
import type { Filter } from '../../src/scim/tree.ts'
import { ENTERPRISE_USER_URN, USER_URN } from '../../src/scim/urns.ts'
import figure8 from '../fixtures/rfc7644/figure-8-paths.json' with { type: 'json' }

const CUSTOM = 'urn:ietf:params:scim:schemas:extension:CustomExtensionName:2.0:User'

const HOSTILE = [
  ['emails', 'type', '.', '.value', ' eq ', ' pr', '[', ']', '(', '"x"', '"', ':', 'urn:'],
  ['2.0', ENTERPRISE_USER_URN, '$ref', '__proto__', '\0', '\ud800'],
].flat()

const eq = (attribute: string, value: string): Filter => ({
  kind: 'compare',
  path: { attribute },
  operator: 'eq',
  value,
})

function parsed(text: string) {
  const read = parsePath(text)
  return read.ok ? read.value : toScimError(read.error).detail
}

describe('parsePath', () => {
  it.each(figure8.paths)('reads the RFC example $path', ({ path, tree }) => {
    expect(parsed(path)).toEqual(tree)
  })

  it.each([
    ['userName', { attribute: 'userName' }],
    [' userName ', { attribute: 'userName' }],
    ['members.$ref', { attribute: 'members', sub: '$ref' }],
    [`${USER_URN}:name.givenName`, { schema: USER_URN, attribute: 'name', sub: 'givenName' }],
    [
      `${USER_URN}:emails[type eq "work"].value`,
      { schema: USER_URN, attribute: 'emails', filter: eq('type', 'work'), sub: 'value' },
    ],
    [
      `${ENTERPRISE_USER_URN}:manager.value`,
      { schema: ENTERPRISE_USER_URN, attribute: 'manager', sub: 'value' },
    ],
    [`${CUSTOM}:tag`, { schema: CUSTOM, attribute: 'tag' }],
    [`${CUSTOM}:box.inner`, { schema: CUSTOM, attribute: 'box', sub: 'inner' }],
    [`${USER_URN}s:tag`, { schema: `${USER_URN}s`, attribute: 'tag' }],
    ['urn:example:custom:tag', { schema: 'urn:example:custom', attribute: 'tag' }],
  ])('reads %s', (text, tree) => {
    expect(parsed(text)).toEqual(tree)
  })

  it('reads a URN alone as the whole schema', () => {
    expect(parsed(ENTERPRISE_USER_URN)).toEqual({ schema: ENTERPRISE_USER_URN, attribute: '' })
    expect(parsed(USER_URN)).toEqual({ schema: USER_URN, attribute: '' })
    expect(parsed(CUSTOM)).toEqual({ schema: CUSTOM, attribute: '' })
  })

  it('reads a dot behind the URN as a colon (Q25)', () => {
    expect(parsed(`${ENTERPRISE_USER_URN}.department`)).toEqual({
      schema: ENTERPRISE_USER_URN,
      attribute: 'department',
    })
    expect(parsed(`${CUSTOM}.tag`)).toEqual({ schema: CUSTOM, attribute: 'tag' })
  })

  it('finds known URNs in any case and keeps the spelling', () => {
    const urn = ENTERPRISE_USER_URN.toUpperCase()
    expect(parsed(`${urn}:Department`)).toEqual({ schema: urn, attribute: 'Department' })
  })

  it('keeps a quoted boolean in a filter as it was sent, for the schema to decide (Q2)', () => {
    expect(parsed('roles[primary eq "True"].value')).toEqual({
      attribute: 'roles',
      filter: eq('primary', 'True'),
      sub: 'value',
    })
  })

  it.each([
    ['', 'character 1'],
    ['name.', 'letter'],
    ['.name', 'letter'],
    ['a.b.c', 'one dot'],
    ['user name', 'character 6'],
    ['emails[', 'character 8'],
    ['emails]', 'character 7'],
    ['emails[type eq]', 'value'],
    ['emails[type eq "work"', '"]"'],
    ['emails[type eq "work"].', 'letter'],
    ['emails[type eq "work"].a.b', 'sub-attribute'],
    ['emails[type eq "work"]value', 'ends'],
    ['emails[type eq "work"].value eq "x"', 'ends'],
    ['emails.value[type eq "work"]', 'after an attribute'],
    [`${ENTERPRISE_USER_URN}[type eq "work"]`, 'after an attribute'],
    [`${ENTERPRISE_USER_URN}:`, 'letter'],
    ['http://schemas.example/Group', 'letter'],
    ['/userName', 'letter'],
    ['__proto__', 'letter'],
    [`${CUSTOM}:__proto__`, 'letter'],
    ['"userName"', 'name of an attribute'],
    ['(userName)', 'name of an attribute'],
    ['a\0b', 'character 2'],
  ])('refuses %j and says why', (text, reason) => {
    const read = parsePath(text)
    expect(read).toMatchObject({ ok: false, error: { kind: 'invalidPath', path: text } })
    expect(parsed(text)).toContain(reason)
  })

  it.each([
    ['a megabyte', 'a'.repeat(1_000_000)],
    ['deep brackets', 'a['.repeat(2000)],
    ['deep parentheses', `a[${'('.repeat(4000)}`],
    ['many dots', 'a.'.repeat(255)],
    ['many colons', `urn${':1.1'.repeat(120)}:`],
  ])('refuses %s at once', (_, text) => {
    const before = performance.now()
    expect(parsePath(text).ok).toBe(false)
    expect(performance.now() - before).toBeLessThan(1000)
  })

  it('never throws, whatever the text', () => {
    const pieces = fc.constantFrom(...HOSTILE)
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(pieces, { maxLength: 30 }).map((list) => list.join('')),
    )
    const isReadOrRefused = fc.property(texts, (text) => {
      const read = parsePath(text)
      return read.ok || toScimError(read.error).scimType === 'invalidPath'
    })
    expect(() => fc.assert(isReadOrRefused, { numRuns: 3000 })).not.toThrow()
  })
})
