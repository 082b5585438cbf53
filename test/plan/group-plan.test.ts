import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type GroupPlanInput, planGroup, planMembers } from '../../src/plan/group-plan.ts'
import {
  addMember,
  addMembers,
  getGroup,
  getUser,
  removeManager,
  removeMember,
} from '../../src/plan/requests.ts'
import { settle } from './builders.ts'
import { GRAPH_BASE } from './model-graph.ts'

const groupInput = (overrides: Partial<GroupPlanInput> = {}): GroupPlanInput => ({
  organizationId: 'org_1',
  group: { id: 'grp_1', displayName: 'Ops', externalId: null },
  binding: { graphId: 'g-1', snapshot: { displayName: 'Ops' }, unknown: [] },
  settings: { onGroupDelete: 'leave' },
  ...overrides,
})
const requests = (input: GroupPlanInput) =>
  planGroup(input).writes.map((write) => write.request('g-1'))

describe('a group', () => {
  it('is created by an upsert on its unique name', () => {
    const binding = { graphId: null, snapshot: {}, unknown: [] }
    expect(requests(groupInput({ binding }))).toEqual([
      {
        method: 'PATCH',
        url: "/groups(uniqueName='org_1-grp_1')",
        headers: { Prefer: 'create-if-missing' },
        body: {
          displayName: 'Ops',
          mailEnabled: false,
          mailNickname: 'isthmus-grp_1',
          securityEnabled: true,
        },
      },
    ])
  })

  it('needs nothing when its name is exported', () => {
    expect(planGroup(groupInput())).toMatchObject({ action: 'none', writes: [] })
  })

  it('is renamed when its name differs or is unknown', () => {
    const rename = [{ method: 'PATCH', url: '/groups/g-1', body: { displayName: 'Ops' } }]
    const other = { graphId: 'g-1', snapshot: { displayName: 'Old' }, unknown: [] }
    const unknown = { ...groupInput().binding, unknown: ['displayName'] }
    expect(requests(groupInput({ binding: other }))).toEqual(rename)
    expect(requests(groupInput({ binding: unknown }))).toEqual(rename)
    const plan = planGroup(groupInput({ binding: unknown }))
    expect(settle(plan, ['answered'])).toEqual({ snapshot: { displayName: 'Ops' }, unknown: [] })
  })

  it('gets a shorter name when Microsoft 365 takes no longer one, and says so', () => {
    const group = { id: 'grp_1', displayName: 'x'.repeat(300), externalId: null }
    const plan = planGroup(groupInput({ group }))
    expect(plan.writes[0]?.sets).toEqual({ displayName: 'x'.repeat(256) })
    expect(plan.problems).toMatchObject([{ code: 'value_shortened', attribute: null }])
  })

  it.each(['deleted', 'unbound'] as const)(
    'stays in Microsoft 365 when %s, unless told',
    (ending) => {
      expect(planGroup(groupInput({ ending }))).toMatchObject({ action: 'end', writes: [] })
      const settings = { onGroupDelete: 'delete' } as const
      const plan = planGroup(groupInput({ ending, settings }))
      expect(plan.takesAway).toBe('delete')
      expect(plan.writes.map((write) => write.request('g-1'))).toEqual([
        { method: 'DELETE', url: '/groups/g-1' },
      ])
    },
  )
})

describe('memberships', () => {
  const members = (add: string[], remove: string[] = []) =>
    planMembers({ graphBase: GRAPH_BASE, groupGraphId: 'g-1', add, remove })

  it('are added twenty at a time', () => {
    const ids = Array.from({ length: 45 }, (_, i) => `u-${i}`)
    const writes = members(ids)
    expect(writes.map((write) => write.adds.length)).toEqual([20, 20, 5])
    expect(writes[2]?.request).toEqual({
      method: 'PATCH',
      url: '/groups/g-1',
      body: {
        'members@odata.bind': ids.slice(40).map((id) => `${GRAPH_BASE}/directoryObjects/${id}`),
      },
    })
  })

  it('are removed one by one', () => {
    expect(members([], ['u-1', 'u-2']).map((write) => write.request)).toEqual([
      { method: 'DELETE', url: '/groups/g-1/members/u-1/$ref' },
      { method: 'DELETE', url: '/groups/g-1/members/u-2/$ref' },
    ])
  })

  it('are not removed from whom is to be a member', () => {
    expect(members(['u-1', 'u-1'], ['u-1'])).toMatchObject([{ adds: ['u-1'], removes: [] }])
  })

  it('can be added one by one', () => {
    expect(addMember(GRAPH_BASE, 'g-1', 'u-1')).toEqual({
      method: 'POST',
      url: '/groups/g-1/members/$ref',
      body: { '@odata.id': `${GRAPH_BASE}/directoryObjects/u-1` },
    })
  })

  it('are never more than twenty in a request', () => {
    const ids = Array.from({ length: 21 }, (_, i) => `u-${i}`)
    expect(() => addMembers(GRAPH_BASE, 'g-1', ids)).toThrow(RangeError)
  })
})

describe('removing a link', () => {
  it('always ends in /$ref, whatever the ids are: without it Graph deletes the user', () => {
    const id = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !/^\.\.?$/.test(text))
    fc.assert(
      fc.property(id, id, (group, member) => {
        for (const request of [removeMember(group, member), removeManager(member)]) {
          expect(request.method).toBe('DELETE')
          expect(request.url).toMatch(/\/\$ref$/)
          expect(new URL(`https://g${request.url}`).pathname).toMatch(/\/\$ref$/)
        }
      }),
    )
  })

  it.each(['', '.', '..'])('refuses the id "%s", which would change the path', (id) => {
    expect(() => removeMember('g-1', id)).toThrow(RangeError)
    expect(() => removeMember(id, 'u-1')).toThrow(RangeError)
  })
})

describe('a Graph URL', () => {
  it.each([
    ['adele@contoso.com', '/users/adele@contoso.com?$select=id'],
    ['guest_x#EXT#@contoso.com', '/users/guest_x%23EXT%23@contoso.com?$select=id'],
    ["o'neil@contoso.com", "/users/o'neil@contoso.com?$select=id"],
    ['$x@contoso.com', "/users('$x@contoso.com')?$select=id"],
    ["$o'x@contoso.com", "/users('$o''x@contoso.com')?$select=id"],
    ['a/b?c', '/users/a%2Fb%3Fc?$select=id'],
  ])('names the user %s as %s', (name, url) => {
    expect(getUser(name, ['id'])).toEqual({ method: 'GET', url })
  })

  it('names a group by its unique name, quotes doubled', () => {
    expect(getGroup("a'b").url).toBe("/groups(uniqueName='a''b')?$select=id")
  })
})
