import { describe, expect, test } from 'vitest'

import type { DeletedAccount } from '../../src/db/deleted-accounts.ts'
import { formerAccountsOf, isSamePerson } from '../../src/export/former-account.ts'

const account = (
  graphId: string,
  more: Partial<Pick<DeletedAccount, 'resourceId' | 'externalId' | 'name'>>,
): DeletedAccount => ({
  graphId,
  resourceId: 'usr_old',
  externalId: null,
  name: null,
  deletedAt: 0,
  exported: [],
  ...more,
})
const wish = (id: string, name: string, externalId: string | null = null) => ({
  person: { id, externalId },
  name,
})
const found = (...input: Parameters<typeof formerAccountsOf>) =>
  Object.fromEntries([...formerAccountsOf(...input)].map(([id, { graphId }]) => [id, graphId]))

describe('a deleted account', () => {
  test.for([
    ['the same user', { resourceId: 'usr_ann' }, true],
    ['the same externalId', { externalId: 'ann' }, true],
    ['another externalId', { externalId: 'bob' }, false],
    ['no externalId', { externalId: null }, false],
  ] as const)('of %s is that of the same person, or is not', ([, more, isHers]) => {
    expect(isSamePerson({ id: 'usr_ann', externalId: 'ann' }, account('a', more))).toBe(isHers)
  })

  test('of nobody’s externalId is not that of whoever has none either', () => {
    expect(isSamePerson({ id: 'usr_ann', externalId: null }, account('a', {}))).toBe(false)
  })

  test('is asked for by its name, in whatever letters, and by nobody else', () => {
    const deleted = [account('a', { name: 'Ann@contoso.com' })]
    const wishes = [wish('usr_bob', 'bob@contoso.com'), wish('usr_ann', 'ann@CONTOSO.com')]
    expect(found(wishes, deleted)).toEqual({ usr_ann: 'a' })
  })

  test('of her own goes before one that had the name', () => {
    const deleted = [account('named', { name: 'ann@x' }), account('hers', { externalId: 'ann' })]
    expect(found([wish('usr_ann', 'ann@x', 'ann')], deleted)).toEqual({ usr_ann: 'hers' })
  })

  test('is the same person’s before anybody else’s, whoever is asked first, and is shared by nobody', () => {
    const deleted = [account('a', { name: 'ann@x', externalId: 'ann' })]
    const wishes = [wish('usr_other', 'ann@x', 'other'), wish('usr_ann', 'married@x', 'ann')]
    expect(found(wishes, deleted)).toEqual({ usr_ann: 'a' })
    expect(found(wishes.slice(0, 1), deleted)).toEqual({ usr_other: 'a' })
  })
})
