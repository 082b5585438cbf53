import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import type { JsonObject } from '../../src/kernel/json.ts'
import { directoryUser } from '../../src/plan/directory-user.ts'
import { PROPERTY_NAMES, withProperties } from '../../src/provisioning/user-properties.ts'

const STATE = { id: 'usr_1', suspended: false, passwordExpired: false }
const read = (document: JsonObject): Record<string, unknown> => {
  const { managerId, displayname: _, ownDisplayname, ...user } = directoryUser(document, STATE)
  return { ...user, manager: managerId, displayname: ownDisplayname }
}

const word = fc.stringMatching(/^[a-z]{1,12}$/)
const type = fc.constantFrom('work', 'home', 'other', 'Work', undefined)

/** Documents with addresses and numbers of every type, in every order. */
const document = fc.record(
  {
    userName: word,
    displayName: word,
    name: fc.record({ givenName: word, middleName: word }, { requiredKeys: [] }),
    emails: fc.array(fc.record({ value: word, type, primary: fc.constant(false) }), {
      maxLength: 3,
    }),
    phoneNumbers: fc.array(
      fc.record({ value: word, type: fc.constantFrom('work', 'fax', 'home') }),
      {
        maxLength: 3,
      },
    ),
    addresses: fc.array(
      fc.record(
        { type: fc.constantFrom('work', 'home'), locality: word, country: word },
        { requiredKeys: ['type'] },
      ),
      { maxLength: 2 },
    ),
    'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': fc.record(
      { department: word, manager: fc.record({ value: word }) },
      { requiredKeys: [] },
    ),
    'urn:example:own': fc.record({ anything: word }),
  },
  { requiredKeys: ['userName'] },
)

const properties = fc.dictionary(
  fc.constantFrom(...PROPERTY_NAMES.filter((name) => name !== 'username')),
  fc.option(word, { nil: null }),
  { maxKeys: 8 },
)

const plain = (value: object): JsonObject => JSON.parse(JSON.stringify(value))

/** A user without an email has no other address: that is refused where it is asked for. */
function isPossible(before: JsonObject, { email, alternateEmail }: Wanted): boolean {
  if (email === null) return alternateEmail === null
  return typeof alternateEmail !== 'string' || (email ?? read(before)['email']) !== null
}

type Wanted = Readonly<Record<string, string | null>>

describe('properties of an administrator', () => {
  test('are read as they were written, whatever the document holds', () => {
    fc.assert(
      fc.property(document, properties, (sent, wanted) => {
        const before = plain(sent)
        fc.pre(isPossible(before, wanted))
        const after = read(withProperties(before, wanted))
        expect(after).toMatchObject(wanted)
      }),
      { numRuns: 500 },
    )
  })

  test('what is not named stays as it was', () => {
    fc.assert(
      fc.property(document, properties, (sent, wanted) => {
        const before = plain(sent)
        const after = withProperties(before, wanted)
        const isAddress = 'email' in wanted || 'alternateEmail' in wanted
        for (const [name, value] of Object.entries(read(before)))
          if (!(name in wanted) && !(isAddress && /email$/i.test(name)))
            expect({ [name]: read(after)[name] }).toEqual({ [name]: value })
        expect(after['urn:example:own']).toEqual(before['urn:example:own'])
      }),
      { numRuns: 500 },
    )
  })

  test('nothing leaves a document that says it twice: writing again changes nothing', () => {
    fc.assert(
      fc.property(document, properties, (sent, wanted) => {
        fc.pre(isPossible(plain(sent), wanted))
        const once = withProperties(plain(sent), wanted)
        expect(withProperties(once, wanted)).toEqual(once)
      }),
    )
  })

  test('an object or list that has nothing left is gone', () => {
    const sent = {
      userName: 'ann',
      name: { givenName: 'Ann' },
      phoneNumbers: [{ type: 'work', value: '1', primary: true }],
      emails: [{ value: 'a@x.test' }, { value: 'b@x.test', type: 'home' }],
      'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': { manager: { value: 'usr_2' } },
    }
    const wanted = {
      firstname: null,
      workPhone: null,
      manager: null,
      email: null,
      alternateEmail: null,
    }
    expect(withProperties(sent, wanted)).toEqual({ userName: 'ann' })
  })
})
