/** What the contract says of the attributes of a directory and their directions, line by line. */
import { describe, expect, test } from 'vitest'

import { type ApiClient, apiClient } from '../support/api.ts'
import { type ExportWorld, exportWorld, newUser } from '../support/export.ts'
import { type Loose, readLog } from '../support/seed.ts'

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
const ENTRA = 'urn:ietf:params:scim:schemas:extension:Microsoft:Entra:2.0:User'

/** A user with a value of every attribute. */
const everything = (manager: string) => ({
  emails: [
    { type: 'work', primary: true, value: 'ann@contoso.com' },
    { type: 'home', value: 'ann@example.com' },
  ],
  title: 'Engineer',
  locale: 'Building 7',
  userType: 'Employee',
  preferredLanguage: 'de-DE',
  addresses: [
    {
      type: 'work',
      streetAddress: '1 Main St',
      locality: 'Redmond',
      region: 'WA',
      postalCode: '98052',
      country: 'US',
    },
  ],
  phoneNumbers: [
    { type: 'work', value: '+1 425 555 0100' },
    { type: 'mobile', value: '+1 425 555 0101' },
    { type: 'fax', value: '+1 425 555 0102' },
  ],
  [ENTERPRISE]: {
    department: 'Sales',
    costCenter: 'C1',
    organization: 'Contoso',
    employeeNumber: '701984',
    division: 'Retail',
    manager: { value: manager },
  },
  [ENTRA]: { usageLocation: 'DE' },
})

/** Every attribute whose direction can be chosen: its property in Graph, and what it holds of that user. */
const CHOICES: readonly (readonly [attribute: string, graph: string, value: unknown])[] = [
  ['department', 'department', 'Sales'],
  ['jobTitle', 'jobTitle', 'Engineer'],
  ['location', 'officeLocation', 'Building 7'],
  ['alternateEmail', 'otherMails', ['ann@example.com']],
  ['employeeIdentifier', 'employeeId', '701984'],
  ['employeeType', 'employeeType', 'Employee'],
  ['company', 'companyName', 'Contoso'],
  ['costCenter', 'employeeOrgData', { costCenter: 'C1', division: null }],
  ['division', 'employeeOrgData', { costCenter: null, division: 'Retail' }],
  ['preferredLanguage', 'preferredLanguage', 'de-DE'],
  ['workStreetAddress', 'streetAddress', '1 Main St'],
  ['workCity', 'city', 'Redmond'],
  ['workState', 'state', 'WA'],
  ['workPostalCode', 'postalCode', '98052'],
  ['workCountry', 'country', 'US'],
  ['workPhone', 'businessPhones', ['+1 425 555 0100']],
  ['mobilePhone', 'mobilePhone', '+1 425 555 0101'],
  ['fax', 'faxNumber', '+1 425 555 0102'],
  ['manager', 'managerName', 'boss@contoso.com'],
  ['usageLocation', 'usageLocation', 'DE'],
]
const all = (direction: string) =>
  Object.fromEntries(CHOICES.map(([attribute]) => [attribute, direction]))

interface Directed {
  readonly world: ExportWorld
  readonly api: ApiClient
  readonly path: string
  /** Our id of Ann, who is bound and has a value of every attribute. */
  readonly ann: string
  account(): Loose
  direct(directions: Loose): Promise<void>
}

/** A directory of which everything that can be excluded is, with Ann and her manager bound. */
async function directed(): Promise<Directed> {
  const world = await exportWorld()
  const api = await apiClient({ organizationId: world.organizationId, clock: world.clock })
  const path = `/directories/${world.directoryId}/attributes`
  const direct: Directed['direct'] = async (directions) => {
    expect((await api.patch(path, directions)).status).toBe(200)
    await world.settle()
  }
  await direct(all('exclude'))
  const { body: boss } = await world.scim.post('/Users', newUser('boss'))
  const { body: user } = await world.scim.post('/Users', newUser('ann', everything(boss['id'])))
  await world.settle()
  const account = () => {
    const found = world.graph
      .summary()
      .users.find((one) => one['userPrincipalName'] === 'ann@contoso.com')
    return Object.fromEntries(Object.entries(found ?? {}).filter(([, value]) => value !== null))
  }
  return { world, api, path, ann: user['id'], account, direct }
}

describe('an attribute of a directory', () => {
  test('that is always export goes out, with what Graph demands of a create, and nothing beside it', async () => {
    const { world } = await directed()
    const creates = world.graph.journal.records().filter(({ method }) => method === 'POST')
    expect(creates.map(({ body }) => body).at(-1)).toEqual({
      userPrincipalName: 'ann@contoso.com',
      givenName: 'ann',
      surname: 'Test',
      displayName: 'ann Test',
      accountEnabled: true,
      mailNickname: 'ann',
      passwordProfile: { password: expect.anything(), forceChangePasswordNextSignIn: true },
    })
  })

  test.each(CHOICES)('%s is exported to %s', async (attribute, graph, value) => {
    const { account, direct } = await directed()
    expect(account()[graph]).toBeUndefined()
    await direct({ [attribute]: 'export' })
    expect(account()[graph]).toEqual(value)
  })

  test('usageLocation is exported or excluded, and never imported', async () => {
    const { api, path } = await directed()
    const { status, body } = await api.patch(path, { usageLocation: 'import' })
    expect({ status, detail: body['errors'][0]['detail'] }).toEqual({
      status: 400,
      detail: 'must be one of: export, exclude',
    })
  })
})

describe('a direction', () => {
  test('export overwrites what Graph holds for every bound user', async () => {
    const { world, account, direct } = await directed()
    const accounts = () => world.graph.summary().users.map((user) => user['jobTitle'])
    for (const { id } of world.graph.summary().users as Loose[])
      world.graph.changeUser(id, { properties: { jobTitle: 'Gardener' } })
    await direct({ jobTitle: 'export' })
    expect(accounts()).toEqual(['Engineer', 'Engineer'])
    expect(account()['department']).toBeUndefined()
  })

  test('exclude stops sending, what is owed too, and leaves the value', async () => {
    const { world, api, path, ann, account, direct } = await directed()
    await direct({ jobTitle: 'export' })
    await world.scim.patch(`/Users/${ann}`, [{ op: 'replace', path: 'title', value: 'Boss' }])
    await api.patch(path, { jobTitle: 'exclude' })
    await world.settle()
    expect(account()['jobTitle']).toBe('Engineer')
  })

  test('import makes Microsoft 365 the owner: nothing of ours is sent any more', async () => {
    const { world, ann, account, direct } = await directed()
    await direct({ jobTitle: 'export' })
    await direct({ jobTitle: 'import' })
    await world.scim.patch(`/Users/${ann}`, [{ op: 'replace', path: 'title', value: 'Boss' }])
    await world.settle()
    expect(account()['jobTitle']).toBe('Engineer')
  })

  test('has one event per attribute that changed, with the admin, the directory, the attribute and both directions', async () => {
    const { world, api, path } = await directed()
    await api.patch(path, { jobTitle: 'export', department: 'import', company: 'exclude' })
    await api.patch(path, { jobTitle: 'exclude', department: 'export' })
    const log = await readLog(world.organizationId)
    const told = log
      .filter(({ type }) => String(type).startsWith('integrationattribute_'))
      .slice(-4)
      .map(({ type, actor_type, actor_id, target_type, target_id, body }) => ({
        event: String(type).replace('integrationattribute_', ''),
        by: { actor_type, actor_id },
        of: { target_type, target_id },
        change: body['changes'][0],
      }))
    const by = { actor_type: 'admin', actor_id: api.adminId }
    const of = { target_type: 'directory', target_id: world.directoryId }
    const change = (attribute: string, from: string, to: string) => ({ attribute, from, to })
    expect(told).toEqual([
      { event: 'include', by, of, change: change('jobTitle', 'exclude', 'export') },
      { event: 'include', by, of, change: change('department', 'exclude', 'import') },
      { event: 'exclude', by, of, change: change('jobTitle', 'export', 'exclude') },
      { event: 'include', by, of, change: change('department', 'import', 'export') },
    ])
  })

  test.each([
    [400, { department: 'export', nickname: 'export' }],
    [400, { department: 'export', jobTitle: 'sideways' }],
    [409, { department: 'export', firstname: 'exclude' }],
    [409, { department: 'export', password: 'import' }],
  ])('is set with all others or not at all: %i of %o', async (expected, body) => {
    const { world, api, path } = await directed()
    const log = await readLog(world.organizationId)
    expect((await api.patch(path, body)).status).toBe(expected)
    const { body: list } = await api.get(path)
    const department = list['items'].find((item: Loose) => item['attribute'] === 'department')
    expect(department['direction']).toBe('exclude')
    expect(await readLog(world.organizationId)).toEqual(log)
  })
})
