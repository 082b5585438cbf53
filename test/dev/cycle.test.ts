import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { type Exchange, fill, fillRequest, loadCycle, loadExpected, unitsOf } from './cycle.ts'
import { FIXTURE, generate, render } from './recording/generate.ts'
import { encodeQuery, placeholder } from './recording/requests.ts'

const exchanges = loadCycle().flatMap((part) => part.exchanges)
const changes = exchanges.filter(({ kind }) => kind === 'change')

interface Operation {
  readonly op: string
  readonly path?: string
  readonly value?: unknown
}

const operationsOf = ({ request: { body } }: Exchange): readonly Operation[] =>
  typeof body === 'object' && body !== null && 'Operations' in body
    ? (body.Operations as readonly Operation[])
    : []
const operations = (dialect: string): readonly Operation[] =>
  changes.filter((each) => each.dialect === dialect).flatMap(operationsOf)

describe('the recorded cycle', () => {
  it('is what its generator makes', () => {
    const files = generate()
    const kept = readdirSync(FIXTURE).filter((name) => name.endsWith('.json'))
    expect(kept.toSorted()).toEqual(Object.keys(files).toSorted())
    const stale = Object.entries(files)
      .filter(([name, content]) => readFileSync(join(FIXTURE, name), 'utf8') !== render(content))
      .map(([name]) => name)
    expect(stale).toEqual([])
  })

  it('provisions 100 users and 8 groups', () => {
    const created = exchanges.filter(({ kind }) => kind === 'create').map(({ of = '' }) => of)
    expect(new Set(created).size).toBe(108)
    expect(created.filter((key) => key.startsWith('user:'))).toHaveLength(100)
    expect(exchanges.filter(({ kind }) => kind === 'delete')).toHaveLength(1)
    expect(new Set(exchanges.map(({ name }) => name)).size).toBe(exchanges.length)
  })

  it('asks for each resource before it creates it, in the encoding of Entra ID', () => {
    const { request } =
      exchanges.find(({ name }) => name === "find miles.o'brien@contoso.com") ?? {}
    expect(request?.path).toBe(
      '/scim/v2/Users?filter=userName+eq+%22miles.o%27brien%40contoso.com%22',
    )
    expect(Object.keys(request?.headers ?? {})).toEqual(['Authorization'])
    expect(encodeQuery('displayName eq "R+D Büro"')).toBe('displayName+eq+%22R%2bD+B%c3%bcro%22')
  })

  it('speaks the default dialect: capitalised operations with a path, booleans as text', () => {
    const spoken = operations('default')
    expect(new Set(spoken.map(({ op }) => op))).toEqual(new Set(['Add', 'Replace', 'Remove']))
    expect(spoken.filter(({ path }) => path === undefined)).toEqual([])
    const active = spoken.filter(({ path }) => path === 'active').map(({ value }) => value)
    expect(new Set(active)).toEqual(new Set(['False', 'True']))
    expect(spoken).toContainEqual({
      op: 'Remove',
      path: 'members',
      value: expect.arrayContaining([{ $ref: null, value: expect.any(String) }]) as unknown,
    })
  })

  it('speaks the dialect of the flag: lower case, merged without a path, filters for members', () => {
    const spoken = operations('flag')
    expect(new Set(spoken.map(({ op }) => op))).toEqual(new Set(['add', 'replace', 'remove']))
    const merged = spoken.filter(({ path }) => path === undefined).map(({ value }) => value)
    expect(merged).toContainEqual(expect.objectContaining({ 'name.familyName': 'Prado e Silva' }))
    const active = spoken.filter(({ path }) => path === 'active').map(({ value }) => value)
    expect(new Set(active)).toEqual(new Set([false, true]))
    const removed = spoken.filter(({ op }) => op === 'remove').map(({ path }) => path)
    expect(
      removed.every((path) => /^members\[value eq "\{\{id:user:.+\}\}"\]$/.test(path ?? '')),
    ).toBe(true)
  })

  it('adds members one by one and many at once', () => {
    const sizes = changes
      .flatMap(operationsOf)
      .filter(({ op, path }) => op.toLowerCase() === 'add' && path === 'members')
      .map(({ value }) => (Array.isArray(value) ? value.length : 0))
    expect(Math.min(...sizes)).toBe(1)
    expect(Math.max(...sizes)).toBeGreaterThan(40)
  })

  it('refers only to resources that it created before', () => {
    const known = new Map<string, string>()
    for (const { kind, of, request } of exchanges) {
      // Throws where an id is missing.
      if (kind !== 'create') fillRequest(request, known, 't')
      else if (of !== undefined) known.set(of, 'x')
    }
    expect(known.size).toBe(108)
  })

  it('keeps the order of one resource', () => {
    for (const part of loadCycle()) {
      const units = unitsOf(part)
      expect(units.flat()).toHaveLength(part.exchanges.length)
      for (const unit of units)
        expect(part.exchanges.filter((each) => unit.includes(each))).toEqual(unit)
    }
  })
})

describe('a placeholder', () => {
  it('becomes the id or the token', () => {
    const ids = new Map([['user:a@b', 'usr_1']])
    expect(fill(`/Users/${placeholder('user:a@b')}`, ids, 't')).toBe('/Users/usr_1')
    expect(fill('Bearer {{token}}', ids, 't')).toBe('Bearer t')
  })

  it('without an id is an error that names it', () => {
    expect(() => fill('{{id:group:X}}', new Map(), 't')).toThrow('{{id:group:X}}')
  })
})

describe('the expected end', () => {
  const { users, groups } = loadExpected()
  const named = (name: string) => users.find(({ userPrincipalName }) => userPrincipalName === name)

  it('tells of everybody once', () => {
    expect(users).toHaveLength(100)
    expect(new Set(users.map(({ userPrincipalName }) => userPrincipalName)).size).toBe(100)
    expect(groups).toHaveLength(8)
    expect(users.filter(({ accountEnabled }) => !accountEnabled)).toHaveLength(3)
    expect(users.filter(({ isLeaver }) => isLeaver)).toHaveLength(1)
  })

  it('follows renames, addresses and managers', () => {
    expect(named('nia.okafor@contoso.com')).toBeUndefined()
    expect(named('nia.okafor-reid@contoso.com')?.displayName).toBe('Nia Okafor-Reid')
    // No e-mail address: the username is one. Another address than the username: it wins.
    expect(named('lukas.lehmann@contoso.com')).toBeDefined()
    expect(named('isaiah_langer@contoso.com')?.manager).toBe('adele.vance@contoso.com')
    expect(named('joaquin.saez@contoso.com')?.manager).toBe('inigo.martinezpena@contoso.com')
    expect(named('pilar.gutierrez@contoso.com')?.manager).toBe('elodie.lefevre@contoso.com')
    expect(named('nuria.vidal@contoso.com')?.manager).toBeNull()
  })

  it('has the groups under their last names, without who left', () => {
    const sizes = Object.fromEntries(
      groups.map((group) => [group.displayName, group.members.length]),
    )
    expect(sizes['All Employees']).toBe(99)
    expect(sizes['Audit 2026']).toBeDefined()
    expect(sizes['Temporary: Q4 Audit']).toBeUndefined()
  })
})
