import { expect } from 'vitest'

import type { JsonObject } from '../../../src/kernel/json.ts'
import { textAt } from '../client.ts'
import { check, shared } from '../check.ts'
import type { Scim } from '../client.ts'
import { expectStatus, inOrder } from '../expectations.ts'
import { ENTERPRISE, SEARCH_REQUEST, USER } from '../urns.ts'

const PEOPLE: Readonly<Record<string, JsonObject>> = {
  cid: {
    displayName: 'alpha',
    title: 'Z',
    active: false,
    emails: [
      { type: 'work', value: 'z' },
      { type: 'home', value: 'b', primary: true },
    ],
    [ENTERPRISE]: { department: 'd2' },
  },
  ann: {
    displayName: 'Beta',
    title: 'a',
    emails: [{ value: 'c' }],
    [ENTERPRISE]: { department: 'd3' },
  },
  bob: { displayName: 'gamma', emails: [{ value: 'a' }], [ENTERPRISE]: { department: 'd1' } },
}

const world = shared(async (scim): Promise<Scim> => {
  for (const [name, { emails, ...more }] of Object.entries(PEOPLE)) {
    const addresses = (emails as readonly { value: string }[]).map((email) => ({
      ...email,
      value: `${scim.prefix}-${email.value}@example.com`,
    }))
    await scim.user(name, {
      ...more,
      emails: addresses,
      name: { familyName: textAt(more, 'displayName').toUpperCase(), givenName: 'x' },
    })
  }
  return scim
})

const ROWS = [
  ['sortBy=userName', 'ann bob cid'],
  ['sortBy=userName&sortOrder=ascending', 'ann bob cid'],
  ['sortBy=userName&sortOrder=descending', 'cid bob ann'],
  ['sortBy=USERNAME', 'ann bob cid'],
  ['sortBy=displayName', 'cid ann bob'],
  ['sortBy=name.familyName', 'cid ann bob'],
  ['sortBy=name.familyName&sortOrder=descending', 'bob ann cid'],
  [`sortBy=${ENTERPRISE}:department`, 'bob cid ann'],
  [`sortBy=${USER}:displayName`, 'cid ann bob'],
  ['sortBy=meta.created', 'cid ann bob'],
  ['sortBy=meta.created&sortOrder=descending', 'bob ann cid'],
  ['sortBy=externalId', 'ann bob cid'],
  ['sortBy=userName&count=2', 'ann bob'],
  ['sortBy=userName&startIndex=2&count=1', 'bob'],
  ['sortBy=userName&sortOrder=descending&startIndex=3', 'ann'],
] as const
for (const [parameters, order] of ROWS)
  check(
    `RFC 7644 §3.4.2.3: ${parameters} gives ${order}`,
    async () => {
      const scim = await world()
      const answer = await scim.query('/Users', `userName sw "${scim.prefix}-"`, `&${parameters}`)
      expectStatus(answer, 200)
      expect(inOrder(answer, scim.prefix).join(' ')).toBe(order)
    },
    'sort',
  )

check(
  'RFC 7644 §3.4.2.3: who lacks the attribute comes last, or first when descending',
  async () => {
    const scim = await world()
    const sorted = async (more: string) =>
      inOrder(
        await scim.query('/Users', `userName sw "${scim.prefix}-"`, `&sortBy=title${more}`),
        scim.prefix,
      )
    expect(await sorted('')).toEqual(['ann', 'cid', 'bob'])
    expect(await sorted('&sortOrder=descending')).toEqual(['bob', 'cid', 'ann'])
  },
  'sort',
)

check(
  'RFC 7644 §3.4.2.3: a multi-valued attribute is sorted by its primary value, else its first',
  async () => {
    const scim = await world()
    const answer = await scim.query(
      '/Users',
      `userName sw "${scim.prefix}-"`,
      '&sortBy=emails.value',
    )
    expect(inOrder(answer, scim.prefix)).toEqual(['bob', 'cid', 'ann'])
  },
  'sort',
)

check(
  'RFC 7644 §3.4.2.3: sorted pages together keep the order',
  async () => {
    const scim = await world()
    const seen: string[] = []
    for (const start of [1, 2, 3]) {
      const more = `&sortBy=displayName&count=1&startIndex=${start}`
      const answer = await scim.query('/Users', `userName sw "${scim.prefix}-"`, more)
      seen.push(...inOrder(answer, scim.prefix))
    }
    expect(seen).toEqual(['cid', 'ann', 'bob'])
  },
  'sort',
)

check(
  'RFC 7644 §3.4.2.3: groups are sorted too',
  async (scim) => {
    for (const name of ['b', 'C', 'a']) await scim.group(name)
    const answer = await scim.query(
      '/Groups',
      `displayName sw "${scim.prefix}-"`,
      '&sortBy=displayName',
    )
    expect(inOrder(answer, scim.prefix)).toEqual(['a', 'b', 'C'])
  },
  'sort',
)

check(
  'RFC 7644 §3.4.3: a search is sorted by sortBy and sortOrder',
  async () => {
    const scim = await world()
    const answer = await scim.post('/Users/.search', {
      schemas: [SEARCH_REQUEST],
      filter: `userName sw "${scim.prefix}-"`,
      sortBy: 'displayName',
      sortOrder: 'descending',
    })
    expect(inOrder(answer, scim.prefix)).toEqual(['bob', 'ann', 'cid'])
  },
  'sort',
)

check(
  'RFC 7643 §7: a list cannot be sorted by a password',
  async () => {
    const scim = await world()
    const { status } = await scim.query(
      '/Users',
      `userName sw "${scim.prefix}-"`,
      '&sortBy=password',
    )
    expect([200, 400]).toContain(status)
  },
  'sort',
)

check(
  'RFC 7644 §3.4.2.3: sortOrder that is neither ascending nor descending is refused',
  async () => {
    const scim = await world()
    const refused = await scim.get('/Users?sortBy=userName&sortOrder=sideways')
    expect([refused.status, refused.body['scimType']]).toEqual([
      400,
      expect.stringMatching(/^invalid(?:Value|Syntax)$/),
    ])
  },
  'sort',
  'contract',
)
