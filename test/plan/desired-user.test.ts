import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/kernel/json.ts'
import {
  ATTRIBUTES,
  attributeNamed,
  defaultDirection,
  ENTRA_DEFAULT_ATTRIBUTES,
} from '../../src/plan/attributes.ts'
import { desiredUser } from '../../src/plan/desired-user.ts'
import { fitMailNickname, fitText, upnFault } from '../../src/plan/fit.ts'
import { defaultSettings } from '../../src/plan/settings.ts'
import { ADELE, directions, EVERYTHING, user } from './builders.ts'

const desired = (document: JsonObject, settings = {}, chosen = EVERYTHING, state = {}) =>
  desiredUser({
    user: user({ ...ADELE, ...document }, state),
    directions: chosen,
    settings: { ...defaultSettings, ...settings },
    managerGraphId: null,
  })

describe('the attribute table', () => {
  it('always exports names, e-mail address and password, and excludes the rest by default', () => {
    const locked = ATTRIBUTES.filter((item) => item.locked).map((item) => item.name)
    expect(locked).toEqual(['firstname', 'lastname', 'displayname', 'email', 'password'])
    for (const { name } of ATTRIBUTES)
      expect(defaultDirection(name)).toBe(locked.some((l) => l === name) ? 'export' : 'exclude')
  })

  it('lets everything be imported but what is locked, and the usage location', () => {
    const notImported = ATTRIBUTES.filter((item) => !item.directions.includes('import'))
    expect(notImported.map((item) => item.name)).toEqual([
      'firstname',
      'lastname',
      'displayname',
      'email',
      'password',
      'usageLocation',
    ])
  })

  it("lists the choosable attributes of Entra's default mapping, the manager among them", () => {
    expect(ENTRA_DEFAULT_ATTRIBUTES).toContain('manager')
    for (const name of ENTRA_DEFAULT_ATTRIBUTES) expect(attributeNamed(name).locked).toBe(false)
  })
})

describe('desired state', () => {
  it('holds only what is exported', () => {
    const { values } = desired({}, {}, directions({ department: 'export', jobTitle: 'import' }))
    expect(values).toEqual({
      accountEnabled: true,
      firstname: 'Adele',
      lastname: 'Vance',
      displayname: 'Adele Vance',
      email: 'adele@contoso.com',
      department: 'Sales',
    })
  })

  it('exports a locked attribute whatever direction is stored', () => {
    const { values } = desired({}, {}, directions({ email: 'exclude', firstname: 'import' }))
    expect(values).toMatchObject({ email: 'adele@contoso.com', firstname: 'Adele' })
  })

  it('disables a suspended user, and leaves the account alone when told so', () => {
    const suspended = { suspended: true }
    expect(desired({}, {}, EVERYTHING, suspended).values.accountEnabled).toBe(false)
    const left = desired({}, { onSuspend: 'leave' }, EVERYTHING, suspended).values
    expect(left).not.toHaveProperty('accountEnabled')
  })

  it('shortens what is too long and says so', () => {
    const { values, problems } = desired({ title: 'x'.repeat(200) })
    expect(values.jobTitle).toBe('x'.repeat(128))
    expect(problems).toMatchObject([{ code: 'value_shortened', attribute: 'jobTitle' }])
    // A preview tells the same before it is sent.
    expect(problems[0]?.message).toMatch(/: only the first 128 are exported[.]$/)
    expect(problems[0]?.message).toContain('200')
    expect(problems[0]?.message).toContain('128')
  })

  it('removes control characters and says so, but keeps the lines of a street address', () => {
    const { values, problems } = desired({
      title: 'Re\u0000tail',
      addresses: [{ type: 'work', streetAddress: '1 Main St\nFloor 2' }],
    })
    expect(values).toMatchObject({ jobTitle: 'Retail', workStreetAddress: '1 Main St\nFloor 2' })
    expect(problems).toMatchObject([{ code: 'characters_removed', attribute: 'jobTitle' }])
  })

  it('withholds an alternate address that Microsoft 365 refuses, and says so', () => {
    const emails = [
      { type: 'work', value: 'a@contoso.com' },
      { type: 'home', value: 'adèle@example.net' },
    ]
    const { values, problems } = desired({ emails })
    expect(values).not.toHaveProperty('alternateEmail')
    expect(problems).toMatchObject([{ code: 'value_unusable', attribute: 'alternateEmail' }])
  })

  it.each([
    ['en-US', 'en-US', 0],
    ['de-CH, de;q=0.8', 'de-CH', 1],
    ['pt_BR', 'pt-BR', 1],
    ['!', undefined, 1],
  ])('makes of the language "%s" the tag "%s"', (preferredLanguage, tag, problems) => {
    const result = desired({ preferredLanguage })
    expect(result.values.preferredLanguage).toBe(tag)
    expect(result.problems).toHaveLength(problems)
  })

  it.each([
    [undefined, null, null, 0],
    [undefined, 'US', 'US', 0],
    ['de', 'US', 'DE', 0],
    ['Germany', 'US', 'US', 1],
    ['Germany', null, undefined, 1],
  ])('takes the usage location from %s, default %s, as %s', (own, fallback, expected, count) => {
    const urn = 'urn:ietf:params:scim:schemas:extension:Microsoft:Entra:2.0:User'
    const document = own === undefined ? {} : { [urn]: { usageLocation: own } }
    const { values, problems } = desired(document, { usageLocation: fallback })
    expect(values.usageLocation).toBe(expected)
    expect(problems).toHaveLength(count)
  })

  it.each([
    [{}, []],
    [{ name: { familyName: 'Vance' }, displayName: '' }, []],
    [{ name: {} }, []],
    [{ name: {}, displayName: '' }, ['displayname']],
    [{ name: { givenName: '\u0001' } }, ['displayname']],
  ])('tells of %j which values only stand in for one', (document, expected) => {
    expect(desired(document).standIns).toEqual(expected)
  })

  it.each([
    [{}, null, []],
    [{}, 'US', ['usageLocation']],
    [{ usageLocation: 'de' }, 'US', []],
    [{ usageLocation: 'Germany' }, 'US', ['usageLocation']],
  ])('tells of %j whether the default usage location %s stands in', (own, fallback, expected) => {
    const urn = 'urn:ietf:params:scim:schemas:extension:Microsoft:Entra:2.0:User'
    expect(desired({ [urn]: own }, { usageLocation: fallback }).standIns).toEqual(expected)
  })

  it('never has a blank display name', () => {
    const { values } = desired({ name: { givenName: '\u0001' }, userName: '\u0002' })
    expect(values.displayname).toBe('usr_1')
  })
})

describe('the userPrincipalName', () => {
  it('is the e-mail address, or the alternate one where the directory says so', () => {
    expect(desired({}).values.email).toBe('adele@contoso.com')
    expect(desired({}, { upnSource: 'alternateEmail' }).values.email).toBe('adele@example.net')
  })

  it('is a username that is an address when the user has no such address', () => {
    const document = { emails: [], userName: 'adele@fabrikam.com' }
    expect(desired(document).values.email).toBe('adele@fabrikam.com')
  })

  it('fails with the reason when there is none', () => {
    const { values, failure } = desired({ emails: [] })
    expect(values).not.toHaveProperty('email')
    expect(failure).toMatchObject({ code: 'principal_name_missing', attribute: 'email' })
    expect(failure?.message).toContain('"adele" is no address')
    expect(failure?.whatToDo).toContain('Company Email')
  })

  it('fails with the reason when Microsoft 365 refuses its characters', () => {
    const { failure } = desired({ emails: [{ value: 'adèle@contoso.com' }] })
    expect(failure).toMatchObject({ code: 'principal_name_invalid' })
    expect(failure?.message).toContain('adèle@contoso.com')
  })

  it.each(["o'neil@contoso.com", 'a.b-c_d!#^~1@sub.contoso.com', 'x@contoso.onmicrosoft.com'])(
    'may be %s',
    (name) => {
      expect(upnFault(name)).toBeNull()
    },
  )

  it.each([
    'adele',
    '@contoso.com',
    'a@b@contoso.com',
    'a b@contoso.com',
    '.a@contoso.com',
    'a.@contoso.com',
    'a..b@contoso.com',
    'a+b@contoso.com',
    'a@contoso',
    `${'a'.repeat(65)}@contoso.com`,
    `a@${'b'.repeat(60)}.${'c'.repeat(60)}.com`,
  ])('may not be %s', (name) => {
    expect(upnFault(name)).not.toBeNull()
  })
})

describe('a mailNickname', () => {
  it.each([
    ['adele', 'adele'],
    ['adele@contoso.com', 'adele'],
    ['José Núñez', 'JoseNunez'],
    ['naveen.mills,.jr.', 'naveen.mills.jr'],
    ['a(b)\\[c]"d;e:f<g>h', 'abcdefgh'],
    ['..', 'user'],
    ['山田', 'user'],
    ['x'.repeat(70), 'x'.repeat(64)],
  ])('is made from "%s" as "%s"', (username, expected) => {
    expect(fitMailNickname(username)).toBe(expected)
  })

  it('comes from the next candidate when nothing of the first remains', () => {
    expect(fitMailNickname('山田', 'yamada@contoso.com')).toBe('yamada')
  })

  it('always is what Graph takes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (username) => {
        const nickname = fitMailNickname(username)
        expect(nickname).toMatch(/^[^@()\\[\]";:<>,\s]{1,64}$/)
        expect(nickname).toMatch(/^[!-~]*[^.]$/)
      }),
    )
  })
})

describe('fitting a text', () => {
  it('never makes it longer than allowed, nor cuts a character in half', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 20 }), (text, max) => {
        const { value, removed, shortened } = fitText(text, max)
        expect(value.length).toBeLessThanOrEqual(max)
        expect(value).not.toMatch(/\p{Cs}/u)
        expect(removed || shortened || value === text.trim()).toBe(true)
      }),
    )
  })
})
