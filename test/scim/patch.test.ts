import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Json, JsonArray, JsonObject } from '../../src/kernel/json.ts'
import { attribute } from '../../src/scim/attributes.ts'
import type { ScimFault } from '../../src/scim/fault.ts'
import type { PatchOperation } from '../../src/scim/messages.ts'
import { applyPatch, type PatchOutcome } from '../../src/scim/patch.ts'
import { USER } from '../../src/scim/resource-types.ts'
import { readResource } from '../../src/scim/resource.ts'
import { ENTERPRISE_USER_URN, GROUP_URN, USER_URN } from '../../src/scim/urns.ts'
import { pathOperations, patchOperations, userBodies } from './arbitrary-patch.ts'

const ANN: JsonObject = { schemas: [USER_URN], userName: 'ann' }

function patched(operations: readonly PatchOperation[], before: JsonObject = ANN): PatchOutcome {
  const outcome = applyPatch(before, operations, USER)
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.error))
  return outcome.value
}

function faultOf(operation: PatchOperation, before: JsonObject = ANN): ScimFault | undefined {
  const outcome = applyPatch(before, [operation], USER)
  return outcome.ok ? undefined : outcome.error
}

const replace = (path: string, value: Json): PatchOperation => ({ op: 'replace', path, value })
const add = (path: string, value: Json): PatchOperation => ({ op: 'add', path, value })

describe('applyPatch', () => {
  it('gives the same document back when nothing changes', () => {
    const before = { ...ANN, title: 'T', emails: [{ type: 'work', value: 'a' }] }
    const operations = [
      replace('title', 'T'),
      replace('emails[type eq "work"].value', 'a'),
      add('emails', [{ type: 'work', value: 'a' }]),
      add('emails', []),
      { op: 'remove', path: 'nickName' } as const,
      { op: 'remove', path: 'schemas' } as const,
    ]
    const outcome = patched(operations, before)
    expect(outcome.changed).toBe(false)
    expect(outcome.resource).toBe(before)
  })

  it('sees that operations which undo each other change nothing', () => {
    expect(patched([add('title', 'x'), { op: 'remove', path: 'title' }]).changed).toBe(false)
  })

  it('hands a password back beside the document, which does not change', () => {
    const outcome = patched([replace('password', 'hunter2')])
    expect(outcome).toMatchObject({ changed: false, password: 'hunter2' })
    expect(JSON.stringify(outcome.resource)).not.toContain('hunter2')
    expect(patched([replace('password', '')]).password).toBeUndefined()
  })

  it('names an extension in schemas as long as it has data', () => {
    const added = patched([add(`${ENTERPRISE_USER_URN}:department`, 'Sales')])
    expect(added.resource['schemas']).toEqual([USER_URN, ENTERPRISE_USER_URN])
    const removed = patched([{ op: 'remove', path: ENTERPRISE_USER_URN }], added.resource)
    expect(removed.resource).toEqual(ANN)
  })

  it('merges the value of a whole extension, with or without path', () => {
    const before = { ...ANN, [ENTERPRISE_USER_URN]: { department: 'Sales', division: 'D' } }
    const value = { DEPARTMENT: 'Ops', manager: 'usr_2', division: null }
    const after = { department: 'Ops', manager: { value: 'usr_2' } }
    expect(patched([replace(ENTERPRISE_USER_URN, value)], before).resource).toMatchObject({
      [ENTERPRISE_USER_URN]: after,
    })
    const pathless = patched([{ op: 'add', value: { [ENTERPRISE_USER_URN]: value } }], before)
    expect(pathless.resource[ENTERPRISE_USER_URN]).toEqual(after)
  })

  it('removes a listed value and no other', () => {
    const roles = [{ value: 'a', display: 'A' }, { value: 'b' }]
    const remove = (value: Json) =>
      patched([{ op: 'remove', path: 'roles', value }], { ...ANN, roles })
    expect(remove([{ value: 'a' }]).resource['roles']).toEqual([{ value: 'b' }])
    expect(remove('b').resource['roles']).toEqual([{ value: 'a', display: 'A' }])
    expect(remove([]).changed).toBe(false)
    expect(remove([{}]).changed).toBe(false)
    expect(remove(null).resource).toEqual(ANN)
  })

  it('sets a sub-attribute without filter where only one value can be meant', () => {
    expect(patched([add('emails.value', 'a')]).resource['emails']).toEqual([{ value: 'a' }])
    const two = {
      ...ANN,
      emails: [
        { value: 'a', display: 'x' },
        { value: 'b', display: 'y' },
      ],
    }
    expect(faultOf(replace('emails.value', 'c'), two)).toMatchObject({ kind: 'invalidPath' })
    expect(patched([{ op: 'remove', path: 'emails.display' }], two).resource['emails']).toEqual([
      { value: 'a' },
      { value: 'b' },
    ])
  })

  it('changes the work address, or adds one, where an address is all that is sent (Q37)', () => {
    const home = { type: 'home', value: 'h' }
    const replaced = (emails: JsonArray) =>
      patched([replace('emails', 'new')], { ...ANN, emails }).resource['emails']
    expect(replaced([home, { type: 'Work', value: 'w' }])).toEqual([
      home,
      { type: 'Work', value: 'new' },
    ])
    expect(replaced([home])).toEqual([home, { type: 'work', value: 'new' }])
  })

  it('puts a value in the place of what a filter selects, though the filter describes none', () => {
    const before = { ...ANN, roles: [{ value: 'a', display: 'A' }, { value: 'b' }] }
    const { resource } = patched([replace('roles[value ne "b"]', { value: 'c' })], before)
    expect(resource['roles']).toEqual([{ value: 'c' }, { value: 'b' }])
  })

  it('takes an empty array for a single value as none (RFC 7643 section 2.5)', () => {
    const before = { ...ANN, title: 'T', name: { givenName: 'Ann' } }
    expect(patched([replace('title', []), replace('name', [])], before).resource).toEqual(ANN)
  })

  it('keeps the type of an element that a filter selected and a value replaces', () => {
    const before = { ...ANN, addresses: [{ type: 'work', locality: 'Bern', region: 'BE' }] }
    const after = patched([replace('addresses[type eq "work"]', { locality: 'Basel' })], before)
    expect(after.resource['addresses']).toEqual([{ type: 'work', locality: 'Basel' }])
    const merged = patched([add('addresses[type eq "work"]', { locality: 'Basel' })], before)
    expect(merged.resource['addresses']).toEqual([
      { type: 'work', locality: 'Basel', region: 'BE' },
    ])
  })

  it('fills an element again that an earlier operation emptied', () => {
    const before = { ...ANN, emails: [{ type: 'work', primary: true, value: 'a' }] }
    const path = 'emails[type eq "work"].value'
    const { resource } = patched(
      [{ op: 'remove', path }, add(path, 'b'), replace(path, 'c')],
      before,
    )
    expect(resource['emails']).toEqual([{ type: 'work', primary: true, value: 'c' }])
  })

  it('leaves one primary value, the one that was set last', () => {
    const before = {
      ...ANN,
      emails: [
        { type: 'work', value: 'a', primary: true },
        { type: 'home', value: 'b' },
      ],
    }
    const { resource } = patched([replace('emails[type eq "home"].primary', 'True')], before)
    expect(resource['emails']).toEqual([
      { type: 'work', value: 'a', primary: false },
      { type: 'home', value: 'b', primary: true },
    ])
    expect(
      faultOf(
        replace('emails', [
          { value: 'a', primary: true },
          { value: 'b', primary: true },
        ]),
      ),
    ).toMatchObject({ kind: 'invalidValue', attribute: 'emails' })
  })

  it('refuses what it cannot do, by name', () => {
    expect(faultOf(replace('nonsense', 'x'))).toMatchObject({
      kind: 'invalidPath',
      path: 'nonsense',
    })
    expect(faultOf(replace('name.nonsense', 'x'))).toMatchObject({ kind: 'invalidPath' })
    expect(faultOf(replace('__proto__', 'x'))).toMatchObject({ kind: 'invalidPath' })
    expect(faultOf(replace('constructor', 'x'))).toMatchObject({ kind: 'invalidPath' })
    expect(faultOf(replace('urn:a:b:2.0:User:constructor', 'x'))).toMatchObject({
      kind: 'invalidPath',
    })
    expect(faultOf(replace(USER_URN, {}))).toMatchObject({ kind: 'invalidPath' })
    expect(faultOf(replace('title[value eq "x"]', 'x'))).toMatchObject({ kind: 'invalidPath' })
    expect(faultOf(replace('groups', []))).toMatchObject({
      kind: 'mutability',
      attribute: 'groups',
    })
    expect(faultOf(replace('manager.displayName', 'x'))).toMatchObject({ kind: 'mutability' })
    expect(faultOf({ op: 'replace', value: 'x' })).toMatchObject({ kind: 'invalidValue' })
    expect(faultOf({ op: 'replace', path: 'title' })).toMatchObject({ kind: 'invalidValue' })
    expect(faultOf(replace('title', 7))).toMatchObject({ kind: 'invalidValue', attribute: 'title' })
  })

  it.each<[PatchOperation, string]>([
    [add('emails', [7]), 'emails'],
    [replace('name', 'Ann'), 'name'],
    [replace('emails[type eq "work"]', 7), 'emails'],
    [replace('emails[type eq "work"].value', 7), 'emails.value'],
    [{ op: 'add', value: { nickName: 'x', title: 7 } }, 'title'],
  ])('refuses a value of another type, wherever it stands: %j', (operation, attribute) => {
    const before = { ...ANN, emails: [{ type: 'work', value: 'a' }] }
    expect(faultOf(operation, before)).toMatchObject({ kind: 'invalidValue', attribute })
  })

  it('refuses two primary values that one operation adds', () => {
    const both = ['a', 'b'].map((value) => ({ value, primary: true }))
    expect(
      faultOf(add('emails', both), { ...ANN, emails: [{ value: 'c', primary: true }] }),
    ).toEqual(expect.objectContaining({ kind: 'invalidValue', attribute: 'emails' }))
  })

  it('refuses a broken path also where it is a name in a path-less value', () => {
    expect(faultOf({ op: 'add', value: { 'emails[type eq': 'x' } })).toMatchObject({
      kind: 'invalidPath',
    })
  })

  it('forgets an emptied attribute that a later operation removes', () => {
    const before = { ...ANN, emails: [{ type: 'work', value: 'a' }] }
    const operations: PatchOperation[] = [
      { op: 'remove', path: 'emails[type eq "work"].value' },
      { op: 'remove', path: 'emails' },
    ]
    expect(patched(operations, before).resource).toEqual(ANN)
  })

  it('grows and shrinks what an unknown extension holds', () => {
    const tag = 'urn:example:custom:2.0:User:tags'
    const { resource } = patched([
      add(tag, ['a', 'b']),
      add(tag, ['b', 'c']),
      add('urn:example:custom:2.0:User:more.inner', 1),
    ])
    expect(resource['urn:example:custom:2.0:User']).toEqual({
      tags: ['a', 'b', 'c'],
      more: { inner: 1 },
    })
    const less = patched(
      [
        replace(tag.toUpperCase(), []),
        { op: 'remove', path: 'urn:example:custom:2.0:User:more.inner' },
      ],
      resource,
    )
    expect(less.resource).toEqual(ANN)
  })

  it('refuses a value for an unknown extension that nests too deep to be kept (Q24)', () => {
    const deep = JSON.parse('['.repeat(9) + ']'.repeat(9)) as Json
    expect(faultOf(replace('urn:example:custom:2.0:User:tags', deep))).toMatchObject({
      kind: 'invalidValue',
      attribute: 'urn:example:custom:2.0:User:tags',
    })
  })

  it('finds nothing under the schema of another resource type', () => {
    expect(faultOf(replace(GROUP_URN, { displayName: 'x' }))).toMatchObject({
      kind: 'invalidPath',
      path: GROUP_URN,
    })
    const ignored = patched([{ op: 'add', value: { [GROUP_URN]: { displayName: 'x' } } }])
    expect(ignored).toMatchObject({ changed: false, quirks: [23] })
  })

  it('ignores a name inside an extension that would be an extension itself (Q23)', () => {
    const value = { colour: 'red', 'inner:2.0:User': { a: 1 } }
    const { resource, quirks } = patched([replace('urn:example:custom:2.0:User', value)])
    expect(resource['urn:example:custom:2.0:User']).toEqual({ colour: 'red' })
    expect(quirks).toContain(23)
  })

  it('refuses an element that its filter describes twice', () => {
    const path = 'emails[type eq "work" and Type eq "home"].value'
    expect(faultOf(replace(path, 'a'))).toMatchObject({
      kind: 'invalidValue',
      attribute: 'emails.type',
    })
  })

  it('creates no element that would be empty', () => {
    const before = { ...ANN, emails: [{ type: 'home', value: 'h' }] }
    const nothing = replace('emails[type eq ""].display', [])
    expect(patched([nothing], before)).toMatchObject({ changed: false, resource: before })
    const something = patched([replace('emails[type eq ""].display', 'x')], before)
    expect(something.resource['emails']).toEqual([...before.emails, { display: 'x' }])
  })

  it('refuses more values and more names than a document holds, before it compares them', () => {
    const values = Array.from({ length: 501 }, (_, i) => ({ value: `${i}` }))
    const names = Object.fromEntries(values.map(({ value }) => [`x${value}`, 1]))
    for (const op of ['add', 'replace', 'remove'] as const)
      expect(faultOf({ op, path: 'emails', value: values })).toMatchObject({
        kind: 'invalidValue',
        attribute: 'emails',
        reason: expect.stringContaining('500'),
      })
    expect(faultOf({ op: 'add', value: names })).toMatchObject({
      kind: 'invalidValue',
      reason: expect.stringContaining('500'),
    })
  })

  it('keeps each text of a multi-valued attribute once, and removes those that are listed', () => {
    const tags = attribute('tags', '', { multiValued: true })
    const type = { ...USER, schema: { ...USER.schema, attributes: [tags] } }
    const before = { schemas: [USER_URN], tags: ['a', 'b'] }
    const patch = (operation: PatchOperation) => {
      const outcome = applyPatch(before, [operation], type)
      return outcome.ok ? outcome.value.resource['tags'] : outcome.error
    }
    expect(patch(add('tags', ['b', 'c']))).toEqual(['a', 'b', 'c'])
    expect(patch(add('tags', 'a'))).toEqual(['a', 'b'])
    expect(patch({ op: 'remove', path: 'tags', value: ['a'] })).toEqual(['b'])
  })

  it('survives a thousand operations on a full attribute quickly', () => {
    const emails = Array.from({ length: 500 }, (_, i) => ({ value: `${i}`, type: `t${i}` }))
    const operations = Array.from({ length: 1000 }, (_, i) =>
      replace(`emails[type eq "t${i % 500}"].value`, `x${i}`),
    )
    expect(patched(operations, { ...ANN, emails }).changed).toBe(true)
    expect(faultOf(add('emails', [{ value: 'one more' }]), { ...ANN, emails })).toMatchObject({
      kind: 'invalidValue',
    })
  })
})

describe('any PATCH', () => {
  const requests = fc.tuple(userBodies, fc.array(patchOperations, { maxLength: 5 }))

  it('never throws and never changes its input', () => {
    fc.assert(
      fc.property(requests, ([body, operations]) => {
        const read = readResource(body, USER)
        const before = read.ok ? read.value.resource : body
        const text = JSON.stringify([before, operations])
        applyPatch(before, operations, USER)
        expect(JSON.stringify([before, operations])).toBe(text)
      }),
      { numRuns: 2000 },
    )
  })

  it('ends in a document that a POST would have given, and says whether it differs', () => {
    let successes = 0
    fc.assert(
      fc.property(requests, ([body, operations]) => {
        const read = readResource(body, USER)
        const outcome = read.ok ? applyPatch(read.value.resource, operations, USER) : read
        fc.pre(read.ok && outcome.ok)
        if (!read.ok || !outcome.ok || !('changed' in outcome.value)) return
        successes += 1
        const { resource, changed } = outcome.value
        const again = readResource(resource, USER)
        expect(again).toMatchObject({ ok: true, value: { resource } })
        expect(again.ok && Object.keys(again.value.resource).length).toBe(
          Object.keys(resource).length,
        )
        expect(changed).toBe(
          JSON.stringify(sorted(resource)) !== JSON.stringify(sorted(read.value.resource)),
        )
        expect(({} as JsonObject)['value']).toBeUndefined()
      }),
      { numRuns: 1000 },
    )
    expect(successes).toBeGreaterThan(500)
  })

  it('changes nothing when it is sent again', () => {
    fc.assert(
      fc.property(userBodies, pathOperations, (body, operation) => {
        const read = readResource(body, USER)
        const once = read.ok ? applyPatch(read.value.resource, [operation], USER) : undefined
        if (once?.ok !== true) return
        const twice = applyPatch(once.value.resource, [operation], USER)
        // A filter may select nothing once the operation has been carried out.
        expect(twice.ok ? twice.value.changed : false).toBe(false)
      }),
      { numRuns: 1000 },
    )
  })
})

/** With the members of every object in order. */
function sorted(value: Json): Json {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((item: Json) => sorted(item))
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([name, inner]) => [name, sorted(inner)]))
}
