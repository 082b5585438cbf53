import { isDeepStrictEqual } from 'node:util'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assertNever } from '../../src/kernel/result.ts'
import { checkElementFilter, checkFilter } from '../../src/scim/check-filter.ts'
import { toScimError } from '../../src/scim/fault.ts'
import { parseFilter } from '../../src/scim/filter.ts'
import { printFilter } from '../../src/scim/print-filter.ts'
import { resolveAttribute } from '../../src/scim/resolve.ts'
import { GROUP, USER } from '../../src/scim/resource-types.ts'
import type { CompareValue, Filter } from '../../src/scim/tree.ts'
import figure2 from '../fixtures/rfc7644/figure-2-filters.json' with { type: 'json' }

function parsed(text: string): Filter {
  const read = parseFilter(text)
  if (!read.ok) throw new Error(toScimError(read.error).detail)
  return read.value
}

function parseFault(text: string) {
  const read = parseFilter(text)
  if (read.ok || read.error.kind !== 'invalidFilter') throw new Error(`accepted: ${text}`)
  return read.error
}

/** The tree with parentheses around everything, so that precedence shows. */
function shape(filter: Filter): string {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return `(${shape(filter.left)} ${filter.kind} ${shape(filter.right)})`
    case 'not':
      return `!${shape(filter.filter)}`
    case 'valuePath':
      return `${filter.path.attribute}[${shape(filter.filter)}]`
    case 'compare':
    case 'present':
      return printFilter(filter)
    default:
      return assertNever(filter)
  }
}

const HOSTILE = [
  ['userName', 'emails', 'type', '.value', 'eq', 'pr', 'and', 'or', 'not', '(', ')', '[', ']'],
  ['"x"', '"', '\\', 'true', 'null', '1', 'urn:a:', ' ', '\0', '\ud800', '__proto__'],
].flat()

const eq = (attribute: string, value: CompareValue): Filter => ({
  kind: 'compare',
  path: { attribute },
  operator: 'eq',
  value,
})

describe('parseFilter', () => {
  it.each(figure2.filters)('reads the RFC example $filter', ({ filter }) => {
    const tree = parsed(filter)
    expect(checkFilter(tree, USER).ok).toBe(true)
    expect(parsed(printFilter(tree))).toEqual(tree)
  })

  it.each(['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'] as const)(
    'reads the operator %s in any case',
    (operator) => {
      const tree = { kind: 'compare', path: { attribute: 'title' }, operator, value: 'x' }
      expect(parsed(`title ${operator} "x"`)).toEqual(tree)
      expect(parsed(`title ${operator.toUpperCase()} "x"`)).toEqual(tree)
    },
  )

  it.each([
    ['a pr and b pr or c pr', '((a pr and b pr) or c pr)'],
    ['a pr or b pr and c pr', '(a pr or (b pr and c pr))'],
    ['a pr and b pr and c pr', '((a pr and b pr) and c pr)'],
    ['a pr or b pr or c pr', '((a pr or b pr) or c pr)'],
    ['a pr and (b pr or c pr)', '(a pr and (b pr or c pr))'],
    ['not (a pr) and b pr', '(!a pr and b pr)'],
    ['NOT(a PR)AND(b Pr)', '(!a pr and b pr)'],
    ['not (a pr and not (b pr))', '!(a pr and !b pr)'],
    ['((a pr))', 'a pr'],
    ['e[a pr or b pr] and c pr', '(e[(a pr or b pr)] and c pr)'],
    ['e[not (a pr)]', 'e[!a pr]'],
  ])('reads %s as %s', (text, expected) => {
    expect(shape(parsed(text))).toBe(expected)
  })

  it.each<[string, CompareValue]>([
    ['"x"', 'x'],
    ['""', ''],
    ['true', true],
    ['false', false],
    ['null', null],
    ['12', 12],
    ['-1.5', -1.5],
    ['1e+21', 1e21],
    ['"12"', '12'],
  ])('reads the value %s as JSON does', (text, value) => {
    expect(parsed(`a eq ${text}`)).toEqual(eq('a', value))
  })

  it.each([
    'jyoung',
    'True',
    'a@b.example',
    '2011-05-13T04:42:34Z',
    "O'Malley",
    'and',
    '007',
    '1.0',
  ])('reads the value %s, which lost its quotes, as text (Q18)', (text) => {
    expect(parsed(`externalId eq ${text}`)).toEqual(eq('externalId', text))
  })

  it('keeps a number as text when a number would lose digits', () => {
    expect(parsed('employeeNumber eq 12345678901234567890')).toEqual(
      eq('employeeNumber', '12345678901234567890'),
    )
  })

  it('reads a comparison behind a value path as part of it (Q17)', () => {
    const tree: Filter = {
      kind: 'valuePath',
      path: { attribute: 'emails' },
      filter: { kind: 'and', left: eq('type', 'work'), right: eq('value', 'a@b.example') },
    }
    expect(parsed('emails[type eq "work"].value eq "a@b.example"')).toEqual(tree)
    expect(parsed('emails[type eq "work" and value eq "a@b.example"]')).toEqual(tree)
    expect(shape(parsed('emails[a pr or b pr].value pr'))).toBe(
      'emails[((a pr or b pr) and value pr)]',
    )
  })

  it.each([
    [
      'urn:ietf:params:scim:schemas:core:2.0:User:name.givenName',
      'urn:ietf:params:scim:schemas:core:2.0:User',
      'name',
      'givenName',
    ],
    [
      'URN:IETF:params:scim:schemas:extension:enterprise:2.0:user:manager.value',
      'URN:IETF:params:scim:schemas:extension:enterprise:2.0:user',
      'manager',
      'value',
    ],
    [
      'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.department',
      'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User',
      'department',
      undefined,
    ],
    [
      'urn:ietf:params:scim:schemas:extension:Custom:2.0:User:tag',
      'urn:ietf:params:scim:schemas:extension:Custom:2.0:User',
      'tag',
      undefined,
    ],
    ['urn:example:custom:tag', 'urn:example:custom', 'tag', undefined],
  ])('splits %s where its schema ends', (name, schema, attribute, sub) => {
    const path = sub === undefined ? { schema, attribute } : { schema, attribute, sub }
    expect(parsed(`${name} pr`)).toEqual({ kind: 'present', path })
  })

  it.each([
    ['', 0, 'attribute name'],
    ['   ', 3, 'attribute name'],
    ['userName', 8, 'operator'],
    ['userName is "x"', 9, 'pr, eq, ne'],
    ['userName eq', 11, 'value'],
    ["userName eq 'x'", 12, 'double quotes'],
    ['userName eq Foo Bar', 16, 'double quotes'],
    ['title pr title pr', 9, '"and" or "or"'],
    ['title pr and', 12, 'attribute name'],
    ['title pr)', 8, 'nothing is open'],
    ['(title pr', 9, '")"'],
    ['not title pr', 4, 'operator'],
    ['emails[type eq "work"', 21, '"]"'],
    ['emails[type eq "work")', 21, '"]"'],
    ['emails[]', 7, 'attribute name'],
    ['emails[type[a pr]]', 11, 'inside [ ]'],
    ['emails[emails.type pr]', 7, 'inside [ ]'],
    ['emails[type pr].value', 21, 'operator'],
    ['emails[type pr].a.b pr', 15, 'sub-attribute'],
    ['a.b.c pr', 0, 'one dot'],
    ['a. pr', 0, 'letter'],
    ['__proto__ pr', 0, 'letter'],
    ['1a pr', 0, 'letter'],
    ['urn:ietf:params:scim:schemas:core:2.0:User pr', 0, 'after the schema URN'],
    ['"userName" eq "x"', 0, 'attribute name'],
  ])('refuses %j at character %i and says what is expected', (text, position, reason) => {
    const fault = parseFault(text)
    expect(fault).toMatchObject({ filter: text, position })
    expect(fault.reason).toContain(reason)
  })

  it('shows the place in the text that the client reads', () => {
    expect(toScimError(parseFault('userName is "x"'))).toMatchObject({
      status: 400,
      scimType: 'invalidFilter',
      detail:
        'The filter "userName is "x"" cannot be used at character 10: an operator is expected here: pr, eq, ne, co, sw, ew, gt, ge, lt, le.',
    })
  })

  it('accepts fifty comparisons in one chain and refuses more', () => {
    const chain = (terms: number) => Array.from({ length: terms }, () => 'title pr').join(' and ')
    expect(parseFilter(chain(50)).ok).toBe(true)
    expect(parseFault(chain(51)).reason).toContain('50 comparisons')
  })

  it('accepts ten open parentheses and refuses more', () => {
    const nested = (depth: number) => `${'('.repeat(depth)}title pr${')'.repeat(depth)}`
    expect(parsed(nested(10))).toEqual(parsed('title pr'))
    expect(parseFault(nested(11))).toMatchObject({ position: 10 })
  })

  it.each([
    ['ten thousand parentheses', '('.repeat(10_000)],
    ['as many parentheses as fit', '('.repeat(4096)],
    ['as many brackets as fit', 'a['.repeat(2048)],
    ['as many negations as fit', 'not('.repeat(1024)],
    ['a megabyte of text', 'a'.repeat(1_000_000)],
    ['a megabyte of comparisons', 'a eq "b" and '.repeat(80_000)],
    ['a long string that does not end', `a eq "${'\\\\'.repeat(2000)}`],
    ['a long name with colons', `urn:${'1:'.repeat(250)} pr`],
    ['a prototype name', '__proto__ eq "x"'],
    ['a lone surrogate', 'userName eq "\ud800"'],
    ['NUL', 'userName eq "\0"'],
  ])('refuses %s at once', (_, text) => {
    const before = performance.now()
    expect(parseFilter(text).ok).toBe(false)
    expect(performance.now() - before).toBeLessThan(1000)
  })

  it('never throws, whatever the text', () => {
    const pieces = fc.constantFrom(...HOSTILE)
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(pieces, { maxLength: 40 }).map((list) => list.join(' ')),
      fc.array(pieces, { maxLength: 40 }).map((list) => list.join('')),
    )
    const isReadOrRefused = fc.property(texts, (text) => {
      const read = parseFilter(text)
      return read.ok
        ? isDeepStrictEqual(parsed(printFilter(read.value)), read.value)
        : toScimError(read.error).scimType === 'invalidFilter'
    })
    expect(() => fc.assert(isReadOrRefused, { numRuns: 3000 })).not.toThrow()
  })
})

function check(text: string, type = USER) {
  const checked = checkFilter(parsed(text), type)
  if (checked.ok) return printFilter(checked.value)
  return checked.error.kind === 'invalidFilter' ? { reason: checked.error.reason } : undefined
}

describe('checkFilter', () => {
  it.each([
    ['active eq "True"', 'active eq true'],
    ['active eq FALSE', 'active eq false'],
    ['roles[primary eq "True"]', 'roles[primary eq true]'],
    ['displayName eq "True"', 'displayName eq "True"'],
    ['employeeNumber eq 7', 'employeeNumber eq "7"'],
    ['title eq true', 'title eq "true"'],
    ['not (active eq "true") or active ne "false"', 'not (active eq true) or active ne false'],
  ])('gives the values of %s the types of their attributes (Q2): %s', (text, expected) => {
    expect(check(text)).toBe(expected)
  })

  it.each([
    'DISPLAYNAME eq "x"',
    'id eq "X" and manager eq "Y"',
    'department sw "R" and costCenter pr',
    'manager.displayName pr',
    'name eq null',
    'title ne null',
    'name pr and emails pr and meta pr',
    'meta.created gt "2026-01-01"',
    'emails co "example.com"',
    'x509Certificates eq "MIIB"',
    'urn:ietf:params:scim:schemas:core:2.0:User:meta.lastModified le "2026-01-01T00:00:00+01:00"',
    'urn:ietf:params:scim:schemas:extension:Custom:2.0:User:tag gt "x"',
    'urn:ietf:params:scim:schemas:extension:Custom:2.0:User:tag.deep eq 1',
    'urn:example:custom:list[any eq "x"]',
  ])('accepts %s', (text) => {
    expect(checkFilter(parsed(text), USER).ok).toBe(true)
  })

  it.each([
    ['unknown eq "x"', 'unknown'],
    ['not (unknown eq "x")', 'unknown'],
    ['title pr or unknown pr', 'unknown'],
    ['unknown pr or title pr', 'unknown'],
    ['constructor pr', 'constructor'],
    ['name.unknown eq "x"', 'name.unknown'],
    ['title.value eq "x"', 'title.value'],
    ['emails[unknown eq "x"]', 'emails has no sub-attribute unknown'],
    ['urn:ietf:params:scim:schemas:core:2.0:Group:displayName pr', 'Group:displayName'],
    ['urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:tag pr', 'User:tag'],
    ['http:tag pr', 'http:tag'],
    ['members pr', 'User has no attribute members'],
    ['active gt true', 'eq, ne'],
    ['active co "t"', 'eq, ne'],
    ['active eq "yes"', 'true or false'],
    ['active eq 1', 'true or false'],
    ['x509Certificates gt "x"', 'eq, ne'],
    ['meta.created co "2026"', 'eq, ne, gt'],
    ['meta.created gt "yesterday"', '2026-01-31T12:00:00Z'],
    ['name eq "x"', 'name.givenName'],
    ['addresses co "x"', 'addresses.locality'],
    ['meta gt "x"', 'meta.created'],
    ['title gt null', 'text'],
    ['title[value eq "x"]', 'no sub-attributes'],
    ['name.givenName[value eq "x"]', 'no sub-attributes'],
    ['password eq "secret"', 'cannot be searched'],
    ['password pr', 'cannot be searched'],
  ])('refuses %s and names the trouble: %s', (text, reason) => {
    expect(check(text)).toEqual({ reason: expect.stringContaining(reason) })
  })

  it('knows the attributes of groups', () => {
    expect(check('id eq "X" and members eq "Y"', GROUP)).toBe('id eq "X" and members eq "Y"')
    expect(check('userName pr', GROUP)).toEqual({ reason: expect.stringContaining('userName') })
  })

  it('checks the filter of a PATCH path against the sub-attributes of its attribute', () => {
    const roles = resolveAttribute({ attribute: 'roles' }, USER)!
    const checked = checkElementFilter(eq('primary', 'TRUE'), roles)
    expect(checked).toEqual({ ok: true, value: eq('primary', true) })
    expect(checkElementFilter(eq('userName', 'x'), roles).ok).toBe(false)
  })
})
