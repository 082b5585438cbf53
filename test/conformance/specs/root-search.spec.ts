import { expect } from 'vitest'

import { check, shared } from '../check.ts'
import { resourcesOf, textAt, type Answer } from '../client.ts'
import { expectError, expectList, idsIn } from '../expectations.ts'
import { SEARCH_REQUEST } from '../urns.ts'

const world = shared(async (scim) => {
  const ann = await scim.user('ann', { displayName: scim.name('d1') })
  const bob = await scim.user('bob', { displayName: scim.name('d3') })
  const group = await scim.group('d2', { externalId: scim.name('x') })
  return {
    scim,
    ann,
    bob,
    group,
    own: `externalId sw "${scim.prefix}-"`,
    all: [ann.id, bob.id, group.id].toSorted(),
  }
})

async function search(request: object): Promise<Answer> {
  const { scim } = await world()
  return scim.post('/.search', { schemas: [SEARCH_REQUEST], count: 50, ...request })
}

check(
  'RFC 7644 §3.4.3: a search at the root goes through every resource type',
  async () => {
    const { own, all } = await world()
    const answer = await search({ filter: own })
    expect(expectList(answer)).toBe(3)
    expect(idsIn(answer).toSorted()).toEqual(all)
  },
  'rootSearch',
)

check(
  'RFC 7644 §3.4.3: a search at the root shows resources as their own endpoints do',
  async () => {
    const { scim, own } = await world()
    for (const resource of resourcesOf(await search({ filter: own }))) {
      const { resourceType } = resource['meta'] as { resourceType: string }
      expect(resource).toEqual((await scim.get(`/${resourceType}s/${resource.id}`)).body)
    }
  },
  'rootSearch',
)

for (const [type, count] of [
  ['User', 2],
  ['Group', 1],
] as const)
  check(
    `RFC 7644 §3.4.2.1: meta.resourceType narrows a search at the root to ${type}`,
    async () => {
      const { own } = await world()
      const answer = await search({ filter: `${own} and meta.resourceType eq "${type}"` })
      expect(expectList(answer)).toBe(count)
    },
    'rootSearch',
  )

check(
  'RFC 7644 §3.4.2.1: an attribute of one type finds resources of that type only',
  async () => {
    const { scim, ann } = await world()
    const answer = await search({ filter: `userName eq "${scim.name('ann')}"` })
    expect(expectList(answer)).toBe(1)
    expect(idsIn(answer)).toEqual([ann.id])
  },
  'rootSearch',
)

check(
  'RFC 7644 §3.4.2.1: attributes of two types may be in one filter',
  async () => {
    const { scim, ann, group } = await world()
    const filter = `userName eq "${scim.name('ann')}" or (displayName eq "${scim.name('d2')}" and not (members pr))`
    expect(idsIn(await search({ filter })).toSorted()).toEqual([ann.id, group.id].toSorted())
  },
  'rootSearch',
)

check(
  'RFC 7644 §3.4.2.1: an attribute that both types have finds both',
  async () => {
    const { scim, all } = await world()
    const answer = await search({ filter: `displayName sw "${scim.prefix}-"` })
    expect(idsIn(answer).toSorted()).toEqual(all)
  },
  'rootSearch',
)

check(
  'RFC 7644 §3.4.3: a search at the root is paged by index',
  async () => {
    const { own, all } = await world()
    const seen: string[] = []
    for (const startIndex of [1, 2, 3]) {
      const answer = await search({ filter: own, startIndex, count: 1 })
      expect(expectList(answer)).toBe(3)
      seen.push(...idsIn(answer))
    }
    expect(seen.toSorted()).toEqual(all)
  },
  'rootSearch',
)

check(
  'RFC 9865 §3: a search at the root is paged by cursor, or says that it is not',
  async () => {
    const { own, all } = await world()
    const seen: string[] = []
    for (let cursor: unknown = ''; cursor !== undefined && seen.length <= all.length;) {
      const answer = await search({ filter: own, count: 2, cursor })
      if (answer.status === 400) return expectError(answer, 400, textAt(answer.body, 'scimType'))
      expectList(answer)
      seen.push(...idsIn(answer))
      cursor = answer.body['nextCursor']
    }
    expect(seen.toSorted()).toEqual(all)
  },
  'rootSearch',
  'cursor',
)

for (const [sortOrder, names] of [
  ['ascending', ['ann', 'group', 'bob']],
  ['descending', ['bob', 'group', 'ann']],
] as const)
  check(
    `RFC 7644 §3.4.2.3: a search at the root is sorted as a whole, ${sortOrder}`,
    async () => {
      const found = await world()
      const answer = await search({ filter: found.own, sortBy: 'displayName', sortOrder })
      expect(idsIn(answer)).toEqual(names.map((name) => found[name].id))
    },
    'rootSearch',
    'sort',
  )

check(
  'RFC 7644 §3.4.3: a search at the root projects',
  async () => {
    const { own } = await world()
    const answer = await search({ filter: own, attributes: ['displayName'] })
    expect(expectList(answer)).toBe(3)
    for (const resource of resourcesOf(answer))
      expect(Object.keys(resource).toSorted()).toEqual(['displayName', 'id', 'schemas'])
  },
  'rootSearch',
)

check(
  'RFC 7644 §3.4.3: a search at the root without a filter counts everything',
  async () => {
    await world()
    expect(expectList(await search({ count: 1 }))).toBeGreaterThanOrEqual(3)
  },
  'rootSearch',
)

check(
  'RFC 7644 §3.4.3: a search at the root that finds nothing is 200',
  async () => {
    expect(expectList(await search({ filter: 'externalId eq "cf-nobody"' }))).toBe(0)
  },
  'rootSearch',
)

check(
  'RFC 7644 §3.4.3: a search at the root refuses a filter that it does not understand',
  async () => {
    expectError(await search({ filter: 'userName is "x"' }), 400, 'invalidFilter')
  },
  'rootSearch',
)

check(
  'RFC 7644 §3.4.3: a search at the root refuses a body that is no search',
  async () => {
    expectError(await search({ filter: 7 }), 400, 'invalidSyntax')
  },
  'rootSearch',
)

check(
  'Q19: an attribute that no type knows is refused at the root',
  async () => {
    expectError(await search({ filter: 'shoeSize eq 42' }), 400, 'invalidFilter')
  },
  'rootSearch',
  'contract',
)

check(
  'RFC 7644 §3.4.2.1: a GET of the root finds what a search there finds',
  async () => {
    const { scim, own } = await world()
    const asked = { filter: own, sortBy: 'displayName' }
    const found = await scim.get(`/?${new URLSearchParams(asked).toString()}`)
    expect(expectList(found)).toBe(3)
    expect(idsIn(found)).toEqual(idsIn(await search(asked)))
  },
  'rootSearch',
  'contract',
)
