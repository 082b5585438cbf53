import { describe, expect, it } from 'vitest'
import type { UserPlan } from '../../src/plan/planned.ts'
import type { GraphRequest } from '../../src/plan/requests.ts'
import { planUser } from '../../src/plan/user-plan.ts'
import {
  ADELE,
  ADOPTED,
  directions,
  ENTERPRISE,
  input,
  NEVER_EXPORTED,
  settle,
  user,
} from './builders.ts'
import { GRAPH_BASE, GRAPH_ID } from './model-graph.ts'

const LOCKED_ONLY = directions()
const SYNCED = {
  ...ADOPTED,
  exportedSequence: 10,
  snapshot: {
    accountEnabled: true,
    firstname: 'Adele',
    lastname: 'Vance',
    displayname: 'Adele Vance',
    email: 'adele@contoso.com',
  },
}

const requests = (plan: UserPlan): GraphRequest[] =>
  plan.writes.map((write) => write.request(GRAPH_ID))
const purposes = (plan: UserPlan) => plan.writes.map((write) => write.purpose)
const patch = (body: object) => ({ method: 'PATCH', url: `/users/${GRAPH_ID}`, body })
const revoke = { method: 'POST', url: `/users/${GRAPH_ID}/revokeSignInSessions`, body: {} }

describe('creating a user', () => {
  it('is one POST with everything in it, then the manager', () => {
    const plan = planUser(input({ managerGraphId: 'boss-id', settings: { usageLocation: 'US' } }))
    expect(plan).toMatchObject({ action: 'create', awaitsManager: null, failure: null, needs: [] })
    expect(requests(plan)).toEqual([
      {
        method: 'POST',
        url: '/users',
        body: {
          accountEnabled: true,
          mailNickname: 'adele',
          passwordProfile: { password: 'random-password', forceChangePasswordNextSignIn: true },
          givenName: 'Adele',
          surname: 'Vance',
          displayName: 'Adele Vance',
          userPrincipalName: 'adele@contoso.com',
          department: 'Sales',
          jobTitle: 'Retail Manager',
          officeLocation: 'en-US',
          otherMails: ['adele@example.net'],
          employeeId: '701984',
          employeeType: 'Employee',
          companyName: 'Contoso',
          employeeOrgData: { costCenter: 'CC1', division: 'Retail' },
          preferredLanguage: 'en-US',
          streetAddress: '1 Main St',
          city: 'Redmond',
          state: 'WA',
          postalCode: '98052',
          country: 'US',
          businessPhones: ['+1 425 555 0109'],
          mobilePhone: '+1 425 555 0110',
          faxNumber: '+1 425 555 0111',
          usageLocation: 'US',
        },
      },
      {
        method: 'PUT',
        url: `/users/${GRAPH_ID}/manager/$ref`,
        body: { '@odata.id': `${GRAPH_BASE}/users/boss-id` },
      },
    ])
  })

  it('delivers a pending password, which is in no snapshot', () => {
    const plan = planUser(input({ password: 'Secret-123' }))
    expect(plan.writes[0]?.request('').body?.['passwordProfile']).toEqual({
      password: 'Secret-123',
      forceChangePasswordNextSignIn: false,
    })
    expect(plan.writes[0]?.carriesPassword).toBe(true)
    expect(JSON.stringify([plan.known, ...plan.writes.map((write) => write.sets)])).not.toContain(
      'Secret',
    )
  })

  it('awaits a manager who has no Graph id yet', () => {
    const plan = planUser(input({ managerGraphId: undefined }))
    expect(plan.awaitsManager).toBe('usr_boss')
    expect(purposes(plan)).toEqual(['create'])
  })

  it('awaits no manager when the attribute is not exported', () => {
    const plan = planUser(input({ managerGraphId: undefined, directions: LOCKED_ONLY }))
    expect(plan.awaitsManager).toBeNull()
  })

  it('gives a suspended user a disabled account, even where suspending leaves accounts alone', () => {
    const suspended = user(ADELE, { suspended: true })
    const plan = planUser(input({ user: suspended, settings: { onSuspend: 'leave' } }))
    expect(plan.writes[0]?.request('').body).toMatchObject({ accountEnabled: false })
    expect(plan.takesAway).toBeNull()
  })

  it('repeats an unanswered create under the name it had and renames afterwards', () => {
    const binding = { ...NEVER_EXPORTED, creatingAs: 'old@contoso.com' }
    const plan = planUser(input({ binding, directions: LOCKED_ONLY }))
    const [create, rename] = requests(plan)
    expect(create?.body).toMatchObject({ userPrincipalName: 'old@contoso.com' })
    expect(rename).toEqual(patch({ userPrincipalName: 'adele@contoso.com' }))
    expect(settle(plan, ['answered']).snapshot.email).toBe('old@contoso.com')
    expect(settle(plan, ['answered', 'answered']).snapshot.email).toBe('adele@contoso.com')
  })

  it('does not happen without a usable userPrincipalName, and says why', () => {
    const plan = planUser(input({ user: user({ ...ADELE, emails: [] }) }))
    expect(plan).toMatchObject({ action: 'none', writes: [] })
    expect(plan.failure).toMatchObject({ code: 'principal_name_missing' })
  })
})

describe('updating a user', () => {
  it('sends nothing when nothing differs', () => {
    const plan = planUser(input({ binding: SYNCED, directions: LOCKED_ONLY }))
    expect(plan).toMatchObject({ action: 'none', writes: [], problems: [], takesAway: null })
  })

  it('sends one PATCH with what differs', () => {
    const renamed = user({ ...ADELE, name: { givenName: 'Adela', familyName: 'Vance' } })
    const plan = planUser(input({ user: renamed, binding: SYNCED, directions: LOCKED_ONLY }))
    expect(requests(plan)).toEqual([patch({ givenName: 'Adela', displayName: 'Adela Vance' })])
    expect(plan.writes[0]).toMatchObject({
      purpose: 'update',
      sets: { firstname: 'Adela', displayname: 'Adela Vance' },
      attributes: ['firstname', 'displayname'],
    })
  })

  it('sends a pending password apart from everything else, and before it', () => {
    const plan = planUser(
      input({
        binding: SYNCED,
        directions: directions({ department: 'export' }),
        password: 'Secret-123',
      }),
    )
    expect(requests(plan)).toEqual([
      patch({
        passwordProfile: { password: 'Secret-123', forceChangePasswordNextSignIn: false },
      }),
      patch({ department: 'Sales' }),
    ])
    expect(plan.writes[0]).toMatchObject({ purpose: 'password', sets: {}, carriesPassword: true })
  })

  it('gives an adopted user no password', () => {
    const plan = planUser(input({ binding: ADOPTED }))
    expect(JSON.stringify(requests(plan))).not.toContain('passwordProfile')
  })

  it('still disables a user whose userPrincipalName has become unusable', () => {
    const suspended = user({ ...ADELE, emails: [] }, { suspended: true })
    const plan = planUser(input({ user: suspended, binding: SYNCED, directions: LOCKED_ONLY }))
    expect(plan.failure).toMatchObject({ code: 'principal_name_missing' })
    expect(requests(plan)).toEqual([patch({ accountEnabled: false }), revoke])
  })

  it('clears both list-valued and text attributes that we exported and that are gone', () => {
    const snapshot = { ...SYNCED.snapshot, workPhone: '1', alternateEmail: 'a@x', department: 'D' }
    const plan = planUser(
      input({
        user: user({
          ...ADELE,
          emails: [{ value: 'adele@contoso.com' }],
          phoneNumbers: [],
          [ENTERPRISE]: {},
        }),
        binding: { ...SYNCED, snapshot },
        directions: directions({
          workPhone: 'export',
          alternateEmail: 'export',
          department: 'export',
        }),
      }),
    )
    expect(requests(plan)).toEqual([
      patch({ department: null, otherMails: [], businessPhones: [] }),
    ])
  })

  it.each([
    ['ignore', []],
    ['clear', [patch({ jobTitle: null })]],
  ] as const)(
    'under the blank policy %s sends %j for a blank we never exported',
    (policy, sent) => {
      const { title: _, ...untitled } = ADELE
      const plan = planUser(
        input({
          user: user(untitled),
          binding: SYNCED,
          directions: directions({ jobTitle: 'export' }),
          settings: { blankPolicy: policy },
        }),
      )
      expect(requests(plan)).toEqual(sent)
    },
  )

  it('clears a blank once under the blank policy "clear", also when the policy changes later', () => {
    const { title: _, ...untitled } = ADELE
    const given = { user: user(untitled), directions: directions({ jobTitle: 'export' }) }
    const clear = { blankPolicy: 'clear' } as const
    const first = planUser(input({ ...given, binding: SYNCED, settings: clear }))
    const binding = { ...SYNCED, ...settle(first, ['answered']) }
    expect(planUser(input({ ...given, binding, settings: clear })).action).toBe('none')
    expect(planUser(input({ ...given, binding })).action).toBe('none')
  })

  it('never clears a usage location, which Graph refuses', () => {
    const binding = { ...SYNCED, snapshot: { ...SYNCED.snapshot, usageLocation: 'US' } }
    const exported = directions({ usageLocation: 'export' })
    expect(planUser(input({ binding, directions: exported })).action).toBe('none')
  })

  it('leaves the display name that an adopted account has, where the username alone would take its place', () => {
    const nameless = user({ ...ADELE, name: {}, displayName: '' })
    const plan = planUser(input({ user: nameless, binding: ADOPTED, directions: LOCKED_ONLY }))
    expect(requests(plan)).toEqual([
      patch({ accountEnabled: true, userPrincipalName: 'adele@contoso.com' }),
    ])
    const named = user({ ...ADELE, name: {} })
    const after = { ...ADOPTED, ...settle(plan, ['answered']), exportedSequence: 10 }
    const next = planUser(input({ user: named, binding: after, directions: LOCKED_ONLY }))
    expect(requests(next)).toEqual([patch({ displayName: 'Adele V.' })])
  })

  it('sends the username as the display name when the name that we exported is gone', () => {
    const nameless = user({ ...ADELE, name: {}, displayName: '' })
    const plan = planUser(input({ user: nameless, binding: SYNCED, directions: LOCKED_ONLY }))
    expect(requests(plan)).toContainEqual(
      patch({ givenName: null, surname: null, displayName: 'adele' }),
    )
  })

  describe('to the default usage location', () => {
    const PLACED = directions({ usageLocation: 'export' })
    const placed = (overrides: Parameters<typeof input>[0] = {}) =>
      input({ directions: PLACED, settings: { usageLocation: 'US' }, ...overrides })
    const bodies = (plan: UserPlan) => requests(plan).map(({ body }) => body)

    it('reads what an adopted account has, gives it one where it has none, and leaves its own otherwise', () => {
      const adopted = placed({ binding: ADOPTED })
      expect(planUser(adopted).needs).toEqual(['usageLocation'])
      expect(bodies(planUser(adopted))).not.toMatchObject([{ usageLocation: 'US' }])
      const without = planUser({ ...adopted, current: { usageLocation: null } })
      expect(bodies(without)).toMatchObject([{ usageLocation: 'US' }])
      const having = planUser({ ...adopted, current: { usageLocation: 'CH' } })
      expect(bodies(having)).not.toMatchObject([{ usageLocation: 'US' }])
      // What was found is remembered: it is read once.
      const binding = { ...ADOPTED, ...settle(having, ['answered']), exportedSequence: 10 }
      expect(planUser(placed({ binding }))).toMatchObject({ action: 'none', needs: [] })
    })

    it('sends another default, or the same again, to whom the default was exported', () => {
      const binding = { ...SYNCED, snapshot: { ...SYNCED.snapshot, usageLocation: 'DE' } }
      expect(bodies(planUser(placed({ binding })))).toEqual([{ usageLocation: 'US' }])
      const drifted = { ...binding, unknown: ['usageLocation'] }
      expect(bodies(planUser(placed({ binding: drifted })))).toEqual([{ usageLocation: 'US' }])
    })

    it('reads again what was left, when nothing counts as known any more', () => {
      const snapshot = { ...SYNCED.snapshot, usageLocation: null }
      const binding = { ...SYNCED, snapshot, unknown: ['usageLocation'] }
      const asked = placed({ binding })
      expect(planUser(asked)).toMatchObject({ writes: [], needs: ['usageLocation'] })
      const left = planUser({ ...asked, current: { usageLocation: 'CH' } })
      expect(left).toMatchObject({ writes: [], needs: [], unknown: [] })
    })

    it('sends the country that the user itself has, whatever the account holds', () => {
      const urn = 'urn:ietf:params:scim:schemas:extension:Microsoft:Entra:2.0:User'
      const swiss = user({ ...ADELE, [urn]: { usageLocation: 'CH' } })
      const plan = planUser(placed({ user: swiss, binding: ADOPTED }))
      expect(plan.needs).toEqual([])
      expect(bodies(plan)).toMatchObject([{ usageLocation: 'CH' }])
    })
  })

  it('sends an unknown attribute although it equals what was exported', () => {
    const binding = { ...SYNCED, unknown: ['lastname', 'accountEnabled'] }
    const plan = planUser(input({ binding, directions: LOCKED_ONLY }))
    expect(requests(plan)).toEqual([patch({ accountEnabled: true, surname: 'Vance' })])
    expect(settle(plan, ['answered']).unknown).toEqual([])
    expect(settle(plan, ['unsent']).unknown).toEqual(['accountEnabled', 'lastname'])
  })

  it('clears an unknown attribute that is blank now, since its value may be ours', () => {
    const binding = { ...SYNCED, unknown: ['jobTitle'] }
    const { title: _, ...untitled } = ADELE
    const given = { user: user(untitled), directions: directions({ jobTitle: 'export' }) }
    expect(requests(planUser(input({ ...given, binding })))).toEqual([patch({ jobTitle: null })])
  })

  it('sends X again after X -> Y was not answered and Y -> X followed', () => {
    const given = { directions: directions({ department: 'export' }) }
    const snapshot = { ...SYNCED.snapshot, department: 'Sales' }
    const moved = user({ ...ADELE, [ENTERPRISE]: { department: 'Ops' } })
    const toOps = planUser(input({ ...given, user: moved, binding: { ...SYNCED, snapshot } }))
    const binding = { ...SYNCED, ...settle(toOps, ['unanswered']) }
    expect(requests(planUser(input({ ...given, binding })))).toEqual([
      patch({ department: 'Sales' }),
    ])
  })
})

describe('directions', () => {
  const binding = { ...SYNCED, snapshot: { ...SYNCED.snapshot, department: 'Sales' } }

  it('send an attribute again that was exported, excluded and exported again', () => {
    const again = directions({ department: { direction: 'export', sequence: 11 } })
    const plan = planUser(input({ binding, directions: again }))
    expect(requests(plan)).toEqual([patch({ department: 'Sales' })])
    const next = { ...binding, ...settle(plan, ['answered']), exportedSequence: 11 }
    expect(planUser(input({ binding: next, directions: again })).action).toBe('none')
  })

  it('send nothing of an excluded attribute, remember what was ours, and send it again all the same', () => {
    const excluded = directions({ department: { direction: 'exclude', sequence: 11 } })
    const plan = planUser(input({ binding, directions: excluded }))
    expect(plan.writes).toEqual([])
    expect(plan.known).toMatchObject({ department: 'Sales' })
    const since = { ...binding, ...settle(plan, []), exportedSequence: 12 }
    const again = directions({ department: { direction: 'export', sequence: 13 } })
    const next = planUser(input({ binding: since, directions: again }))
    expect(requests(next)).toEqual([patch({ department: 'Sales' })])
    expect(next.known).not.toHaveProperty('department')
  })

  it('do not clear what another hand may own since the attribute was excluded', () => {
    const again = directions({ department: { direction: 'export', sequence: 11 } })
    const blank = user({ ...ADELE, [ENTERPRISE]: {} })
    const stale = { ...binding, unknown: ['department'] }
    const plan = planUser(input({ user: blank, binding: stale, directions: again }))
    expect(plan.writes).toEqual([])
    const next = { ...binding, ...settle(plan, []), exportedSequence: 12 }
    expect(planUser(input({ user: blank, binding: next, directions: again })).writes).toEqual([])
  })
})

describe('suspending', () => {
  const suspended = user(ADELE, { suspended: true })
  const given = { user: suspended, directions: LOCKED_ONLY }

  it('disables the account and then ends its sessions', () => {
    const plan = planUser(input({ ...given, binding: SYNCED }))
    expect(requests(plan)).toEqual([patch({ accountEnabled: false }), revoke])
    expect(plan.takesAway).toBe('disable')
    const binding = { ...SYNCED, ...settle(plan, ['answered', 'answered']) }
    expect(planUser(input({ ...given, binding })).action).toBe('none')
  })

  it('does both again when the run died before the sessions were revoked', () => {
    const plan = planUser(input({ ...given, binding: SYNCED }))
    const binding = { ...SYNCED, ...settle(plan, ['answered']) }
    const again = planUser(input({ ...given, binding }))
    expect(purposes(again)).toEqual(['update', 'revoke'])
    expect(again.takesAway).toBeNull()
  })

  it('enables an account again whose suspension was carried out by half', () => {
    const plan = planUser(input({ ...given, binding: SYNCED }))
    const binding = { ...SYNCED, ...settle(plan, ['answered', 'unsent']) }
    const back = planUser(input({ binding, directions: LOCKED_ONLY }))
    expect(requests(back)).toEqual([patch({ accountEnabled: true })])
  })

  it('leaves the account alone where the directory says so', () => {
    const plan = planUser(input({ ...given, binding: SYNCED, settings: { onSuspend: 'leave' } }))
    expect(plan).toMatchObject({ action: 'none', writes: [], takesAway: null })
  })

  it('is undone by activating', () => {
    const binding = { ...SYNCED, snapshot: { ...SYNCED.snapshot, accountEnabled: false } }
    const plan = planUser(input({ binding, directions: LOCKED_ONLY }))
    expect(requests(plan)).toEqual([patch({ accountEnabled: true })])
  })
})

describe('the manager', () => {
  const given = { directions: directions({ manager: 'export' }) }
  const managed = { ...SYNCED, snapshot: { ...SYNCED.snapshot, manager: 'old-boss' } }
  const link = `/users/${GRAPH_ID}/manager/$ref`

  it('is linked when it differs', () => {
    const plan = planUser(input({ ...given, binding: managed, managerGraphId: 'boss-id' }))
    expect(requests(plan)).toMatchObject([{ method: 'PUT', url: link }])
    expect(plan.writes[0]).toMatchObject({ sets: { manager: 'boss-id' }, attributes: ['manager'] })
  })

  it('is unlinked when we linked one and none is wanted', () => {
    const plan = planUser(input({ ...given, binding: managed, managerGraphId: null }))
    expect(requests(plan)).toEqual([{ method: 'DELETE', url: link }])
  })

  it('who was exported goes while the one who is wanted has no Graph id: in any case it is not that one', () => {
    const plan = planUser(input({ ...given, binding: managed, managerGraphId: undefined }))
    expect(plan).toMatchObject({ action: 'update', awaitsManager: 'usr_boss' })
    expect(plan.writes.map(({ purpose, sets }) => [purpose, sets])).toEqual([
      ['manager', { manager: null }],
    ])
  })

  it('who was exported and whose account is missing is waited for, and nothing is removed', () => {
    const lost = {
      ...given,
      binding: managed,
      managerGraphId: undefined,
      lostManagerId: 'old-boss',
    }
    expect(planUser(input(lost))).toMatchObject({
      action: 'none',
      awaitsManager: 'usr_boss',
      known: { manager: 'old-boss' },
    })
  })

  it('whose link a run found to be lost, and whose account is missing by now, is not removed: there is none', () => {
    const lost = {
      ...given,
      binding: { ...managed, unknown: ['manager'] },
      managerGraphId: undefined,
      lostManagerId: 'old-boss',
    }
    for (const only of [undefined, new Set(['manager'])]) {
      const plan = planUser(input({ ...lost, only }))
      expect(plan).toMatchObject({ writes: [], unknown: [], known: { manager: 'old-boss' } })
    }
  })

  it('of whom nobody knows is removed while the one who is wanted is missing, but where another one was told', () => {
    const { snapshot } = managed
    const waiting = { ...given, managerGraphId: undefined, lostManagerId: 'boss' }
    const { manager: _, ...none } = snapshot
    for (const known of [snapshot, none]) {
      const unknown = { ...waiting, binding: { ...managed, snapshot: known, unknown: ['manager'] } }
      const only = new Set(['manager'])
      for (const toldManager of [undefined, null]) {
        const plan = planUser(input({ ...unknown, only, toldManager }))
        expect(requests(plan)).toEqual([{ method: 'DELETE', url: link }])
      }
      const told = { ...unknown, only, toldManager: 'old-boss' }
      expect(planUser(input(told)).writes).toEqual([])
    }
  })

  it('of somebody else is left alone when none was ever exported', () => {
    expect(planUser(input({ ...given, binding: SYNCED, managerGraphId: null })).writes).toEqual([])
  })
})

describe('cost center and division, one property of Graph', () => {
  const one = { binding: SYNCED, directions: directions({ costCenter: 'export' }) }

  it('are read first when only one of them is exported', () => {
    const plan = planUser(input(one))
    expect(plan).toMatchObject({ needs: ['costCenter', 'division'], writes: [] })
  })

  it('keep the member that is not exported', () => {
    const current = { costCenter: 'x', division: 'Theirs' }
    const plan = planUser(input({ ...one, current }))
    expect(plan.needs).toEqual([])
    expect(requests(plan)).toEqual([
      patch({ employeeOrgData: { costCenter: 'CC1', division: 'Theirs' } }),
    ])
    expect(plan.writes[0]?.sets).toEqual({ costCenter: 'CC1' })
  })

  it('keep a blank of ours that Microsoft 365 may have filled', () => {
    const plan = planUser(
      input({
        user: user({ ...ADELE, [ENTERPRISE]: { costCenter: 'CC1' } }),
        binding: SYNCED,
        directions: directions({ costCenter: 'export', division: 'export' }),
      }),
    )
    expect(plan.needs).toEqual(['costCenter', 'division'])
  })

  it('leave the other one as somebody made it, though it was exported', () => {
    const binding = { ...SYNCED, snapshot: { ...SYNCED.snapshot, division: 'Retail' } }
    const both = directions({ costCenter: 'export', division: 'export' })
    const given = input({ binding, directions: both })
    expect(planUser(given)).toMatchObject({ writes: [], needs: ['costCenter', 'division'] })
    const current = { costCenter: null, division: 'Wholesale' }
    expect(requests(planUser({ ...given, current }))).toEqual([
      patch({ employeeOrgData: { costCenter: 'CC1', division: 'Wholesale' } }),
    ])
  })
})

describe('the end of a binding', () => {
  it.each([
    ['deleted', 'onDelete'],
    ['unbound', 'onUnbind'],
  ] as const)('of a user that was %s follows %s', (ending, setting) => {
    const plan = (policy: 'disable' | 'delete' | 'leave') =>
      planUser(input({ binding: SYNCED, ending, settings: { [setting]: policy } }))
    expect(requests(plan('disable'))).toEqual([patch({ accountEnabled: false }), revoke])
    expect(plan('disable')).toMatchObject({ action: 'end', takesAway: 'disable' })
    expect(requests(plan('delete'))).toEqual([{ method: 'DELETE', url: `/users/${GRAPH_ID}` }])
    expect(plan('delete')).toMatchObject({ action: 'end', takesAway: 'delete' })
    expect(plan('leave')).toMatchObject({ action: 'end', writes: [], takesAway: null })
  })

  it('of a user that is gone is that of a deleted one', () => {
    const settings = { onDelete: 'delete', onUnbind: 'leave' } as const
    const plan = planUser(input({ binding: SYNCED, user: undefined, settings }))
    expect(purposes(plan)).toEqual(['delete'])
  })

  it('needs nothing when the account is disabled already, or never existed', () => {
    const binding = { ...SYNCED, snapshot: { accountEnabled: false } }
    expect(planUser(input({ binding, user: undefined }))).toMatchObject({
      action: 'end',
      writes: [],
      takesAway: null,
    })
    expect(planUser(input({ user: undefined }))).toMatchObject({ action: 'end', writes: [] })
  })
})
