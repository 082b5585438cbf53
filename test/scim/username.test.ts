import { describe, expect, it } from 'vitest'
import { toScimError } from '../../src/scim/fault.ts'
import {
  alternateEmails,
  checkUserName,
  primaryEmail,
  type UsernamePolicy,
} from '../../src/scim/username.ts'

const EMAIL = 'ann@contoso.com'

describe('checkUserName', () => {
  const accepted: readonly (readonly [UsernamePolicy, string, string, string, string])[] = [
    ['strict', 'Ann.O_Hara-1', 'Ann.O_Hara-1', 'ann.o_hara-1', 'ann.o_hara-1'],
    ['local-part', 'Ann', 'Ann', 'ann', 'ann'],
    ['local-part', 'Ann@contoso.com', 'Ann', 'ann@contoso.com', 'ann'],
    ['any', 'Änn+1@contoso.com', 'Änn+1@contoso.com', 'änn+1@contoso.com', 'änn+1@contoso.com'],
  ]
  it.each(accepted)('%s accepts %s', (policy, userName, username, key, usernameKey) => {
    expect(checkUserName(userName, EMAIL, policy)).toEqual({
      ok: true,
      value: { username, key, usernameKey },
    })
  })

  const refused: readonly (readonly [UsernamePolicy, string])[] = [
    ['strict', EMAIL],
    ['strict', 'ann hara'],
    ['strict', 'Änn'],
    ['strict', ''],
    ['local-part', 'ann+x@contoso.com'],
    ['local-part', 'ann@'],
    ['local-part', '@contoso.com'],
    ['any', ''],
  ]
  it.each(refused)(
    '%s refuses "%s" and says value, policy, mapping and console page',
    (policy, userName) => {
      const checked = checkUserName(userName, EMAIL, policy)
      if (checked.ok) throw new Error('accepted')
      const error = toScimError(checked.error)
      expect(error).toMatchObject({ status: 400, scimType: 'invalidValue' })
      expect(error.detail).toContain(`"${userName}" is refused`)
      expect(error.detail).toContain(`"${policy}"`)
      expect(error.detail).toContain('mailNickname')
      expect(error.detail).toContain('/console/sources')
    },
  )

  it.each(['strict', 'local-part'] as const)('%s needs an e-mail address', (policy) => {
    const checked = checkUserName('ann', undefined, policy)
    expect(checked).toMatchObject({ ok: false, error: { attribute: 'emails' } })
    expect(checkUserName('ann', undefined, 'any').ok).toBe(true)
  })

  it.each(['strict', 'local-part', 'any'] as const)('%s refuses what is no address', (policy) => {
    expect(checkUserName('ann', 'upd', policy)).toMatchObject({
      ok: false,
      error: { kind: 'invalidValue', attribute: 'emails' },
    })
  })
})

describe('e-mail addresses', () => {
  const home = { type: 'home', value: 'h@x.com' }
  const work = { type: 'Work', value: 'w@x.com' }
  const primary = { type: 'other', value: 'p@x.com', primary: true }

  it('takes the primary one, else the one of type work, else the first', () => {
    expect(primaryEmail({ emails: [home, work, primary] })).toBe('p@x.com')
    expect(primaryEmail({ emails: [home, work] })).toBe('w@x.com')
    expect(primaryEmail({ emails: [{ type: 'x' }, home] })).toBe('h@x.com')
    expect(primaryEmail({ emails: [{ value: 'n@x.com' }, home] })).toBe('n@x.com')
    expect(primaryEmail({ emails: [] })).toBeUndefined()
    expect(primaryEmail({})).toBeUndefined()
  })

  it('gives the others once', () => {
    const twice = { type: 'other', value: 'H@x.com' }
    expect(alternateEmails({ emails: [home, work, twice, primary] })).toEqual([
      'h@x.com',
      'w@x.com',
    ])
    expect(alternateEmails({})).toEqual([])
  })
})
