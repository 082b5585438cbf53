import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { isJsonArray, isJsonObject, type Json, type JsonObject } from '../../src/kernel/json.ts'
import { withImportedValues } from '../../src/plan/imported-document.ts'
import { withoutShown } from '../../src/plan/sent-back.ts'
import { USER_URN, ENTERPRISE_USER_URN } from '../../src/scim/urns.ts'

const IMPORTED = ['jobTitle', 'location', 'department', 'company', 'manager', 'workCity'] as const
const MORE = ['workCountry', 'workPhone', 'mobilePhone', 'fax', 'alternateEmail'] as const

const word = fc.constantFrom('one', 'two', 'three')
const optional = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined })
const elementsOf = (name: string, types: readonly string[]) =>
  fc.uniqueArray(fc.record({ type: fc.constantFrom(...types), [name]: word }), {
    minLength: 1,
    maxLength: 3,
    selector: ({ type }) => type,
  })

/** Documents as they are stored: without what is blank. */
const documents: fc.Arbitrary<JsonObject> = fc
  .record({
    title: optional(word),
    locale: optional(word),
    emails: optional(elementsOf('value', ['work', 'home', 'other'])),
    addresses: optional(elementsOf('locality', ['work', 'home'])),
    phoneNumbers: optional(elementsOf('value', ['work', 'mobile', 'home'])),
    [ENTERPRISE_USER_URN]: optional(
      fc.constantFrom({ department: 'one' }, { organization: 'two', manager: { value: 'usr_b' } }),
    ),
  })
  .map((made) => {
    const schemas = [USER_URN]
    if (made[ENTERPRISE_USER_URN] !== undefined) schemas.push(ENTERPRISE_USER_URN)
    return JSON.parse(JSON.stringify({ schemas, userName: 'ann', ...made }))
  })

const imports: fc.Arbitrary<JsonObject> = fc
  .uniqueArray(fc.tuple(fc.constantFrom(...IMPORTED, ...MORE), word), {
    selector: ([name]) => name,
  })
  .map((held) =>
    Object.fromEntries(
      held.map(([name, value]) => [name, { value, directoryId: 'dir_a', at: '2026-01-01' }]),
    ),
  )

describe('what a client sends back as it was shown', () => {
  it('is what it had sent before, whatever was imported beside it', () => {
    fc.assert(
      fc.property(documents, imports, (resource, imported) => {
        const shown = withImportedValues(resource, imported)
        expect(withoutShown(shown, { resource, imported })).toEqual(resource)
      }),
    )
  })

  it('but for one value, changes that value alone', () => {
    fc.assert(
      fc.property(documents, imports, word, (resource, imported, nickName) => {
        const sent = { ...withImportedValues(resource, imported), nickName }
        expect(withoutShown(sent, { resource, imported })).toEqual({ ...resource, nickName })
      }),
    )
  })

  it('is its own where it says otherwise than was shown', () => {
    const imported = { department: { value: 'Ops', directoryId: 'dir_a', at: '' } }
    const resource = { schemas: [USER_URN], userName: 'ann' }
    const sent = {
      ...resource,
      schemas: [USER_URN, ENTERPRISE_USER_URN],
      [ENTERPRISE_USER_URN]: { department: 'Sales' },
    }
    expect(withoutShown(sent, { resource, imported })).toEqual(sent)
  })

  it('of an address keeps what is imported of it out of the client’s, whatever else of it changes', () => {
    fc.assert(
      fc.property(imports, word, (values, locality) => {
        const { workCity: _, ...imported } = values
        const resource = {
          schemas: [USER_URN],
          userName: 'ann',
          addresses: [
            { type: 'home', locality: 'one' },
            { type: 'work', locality: 'Rome' },
          ],
        }
        const [home, work] = [
          { type: 'home', locality: 'one' },
          { type: 'work', locality },
        ]
        const shown = withImportedValues(resource, imported)
        const changed = (list: Json | undefined) =>
          (isJsonArray(list) ? list : []).map((each) =>
            isJsonObject(each) && each['type'] === 'work' ? { ...each, locality } : each,
          )
        const sent = { ...shown, addresses: changed(shown['addresses']) }
        expect(withoutShown(sent, { resource, imported })).toEqual({
          ...resource,
          addresses: [home, work],
        })
      }),
    )
  })

  it('of a list keeps what is new in it, and what is imported out of it', () => {
    const imported = { workPhone: { value: '1', directoryId: 'dir_a', at: '' } }
    const resource = { schemas: [USER_URN], userName: 'ann' }
    const work = { type: 'work', value: '1' }
    const mobile = { type: 'mobile', value: '2' }
    const sent = { ...resource, phoneNumbers: [work, mobile] }
    expect(withoutShown(sent, { resource, imported })).toEqual({
      ...resource,
      phoneNumbers: [mobile],
    })
  })
})
