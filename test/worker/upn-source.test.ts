/**
 * What a directory takes the userPrincipalName from, and what it imports: never the same attribute, or an account would be renamed
 * because of what it says itself.
 */
import { describe, expect, test } from 'vitest'

import { type ApiClient, apiClient } from '../support/api.ts'
import { type Loose, readLog } from '../support/seed.ts'
import { staged } from '../support/staged.ts'

const NAMED = { settings: { upnSource: 'alternateEmail' } }
const IMPORTED = { alternateEmail: 'import' }

const REFUSED = {
  status: 409,
  body: {
    title: 'Conflict',
    attribute: 'alternateEmail',
    upnSource: 'alternateEmail',
    detail:
      'The setting upnSource "alternateEmail" and the direction "import" of "Alternate Email" (alternateEmail) exclude each other in one directory: what an account says there would change its own sign-in name (userPrincipalName). Set upnSource to "email", or the direction to "export" or "exclude".',
  },
}

let tenants = 0

/** A directory of the organization that `api` is of. */
async function withDirectory(api: ApiClient, more: object = {}) {
  const { status, body } = await api.post('/directories', {
    name: 'Contoso',
    tenantId: `contoso${(tenants += 1)}.onmicrosoft.com`,
    clientId: '15714005-cafe-4b0b-9f00-0123456789ab',
    credential: { type: 'client_secret', secret: 'Q8x8Q~a-client-secret-that-nobody-may-see' },
    ...more,
  })
  expect(status).toBe(201)
  const path = `/directories/${body['id']}`
  const held = async () => {
    const { body: list } = await api.get(`${path}/attributes`)
    const item = list['items'].find((one: Loose) => one['attribute'] === 'alternateEmail')
    const { body: shown } = await api.get(path)
    return { upnSource: shown['settings'].upnSource, alternateEmail: item.direction }
  }
  return { path, held }
}

describe('what a directory takes the userPrincipalName from', () => {
  test('is not imported by it: the PATCH of the attributes is refused, and so is its preview', async () => {
    const api = await apiClient()
    const { path, held } = await withDirectory(api, NAMED)
    const log = await readLog(api.organizationId)
    const asked = { department: 'export', ...IMPORTED }
    expect(await api.patch(`${path}/attributes`, asked)).toMatchObject(REFUSED)
    expect(await api.post(`${path}/preview`, { attributes: asked })).toMatchObject(REFUSED)
    expect(await held()).toEqual({ upnSource: 'alternateEmail', alternateEmail: 'exclude' })
    expect(await readLog(api.organizationId)).toEqual(log)
    expect(await api.patch(`${path}/attributes`, { alternateEmail: 'export' })).toMatchObject({
      status: 200,
    })
  })

  test('is not what it imports: the PATCH of the setting is refused, and of others beside it taken', async () => {
    const api = await apiClient()
    const { path, held } = await withDirectory(api)
    await api.patch(`${path}/attributes`, IMPORTED)
    const log = await readLog(api.organizationId)
    expect(await api.patch(path, { name: 'Another', ...NAMED })).toMatchObject(REFUSED)
    expect(await held()).toEqual({ upnSource: 'email', alternateEmail: 'import' })
    expect(await readLog(api.organizationId)).toEqual(log)
    const others = { upnSource: 'email', onSuspend: 'leave' }
    expect(await api.patch(path, { settings: others })).toMatchObject({ status: 200 })
    await api.patch(`${path}/attributes`, { alternateEmail: 'exclude' })
    expect(await api.patch(path, NAMED)).toMatchObject({ status: 200 })
  })

  test('does not become imported by an undo', async () => {
    const api = await apiClient()
    const { path, held } = await withDirectory(api)
    for (const direction of ['import', 'exclude'])
      await api.patch(`${path}/attributes`, { alternateEmail: direction })
    const { body } = await api.get('/events?type=integrationattribute_exclude')
    await api.patch(path, NAMED)
    const undone = await api.post(`${path}/undo`, { eventId: body['items'][0]['id'] })
    expect(undone).toMatchObject(REFUSED)
    expect(await held()).toEqual({ upnSource: 'alternateEmail', alternateEmail: 'exclude' })
  })

  test('may be imported by another directory', async () => {
    const api = await apiClient()
    await withDirectory(api, NAMED)
    const { path } = await withDirectory(api)
    expect((await api.patch(`${path}/attributes`, IMPORTED)).status).toBe(200)
  })

  test.each([
    ['the import', 'the setting'],
    ['the setting', 'the import'],
  ])('is not imported either where %s is chosen while %s is stored', async (first) => {
    const other = await apiClient()
    const { path, held } = await withDirectory(other)
    const choices = [
      { at: `${path}/attributes`, body: IMPORTED },
      { at: path, body: NAMED },
    ]
    const [early, late] = first === 'the import' ? choices : choices.toReversed()
    let isStaged = false
    // The batches of a PATCH: whose key it is, what is stored, the write.
    const connect = staged(async (batch) => {
      if (batch !== 3 || isStaged) return
      isStaged = true
      expect((await other.patch(early?.at ?? '', early?.body)).status).toBe(200)
    })
    const { organizationId } = other
    const api = await apiClient({ organizationId, instead: { connect } })
    expect(await api.patch(late?.at ?? '', late?.body)).toMatchObject(REFUSED)
    expect(isStaged).toBe(true)
    expect(await held()).toEqual(
      first === 'the import'
        ? { upnSource: 'email', alternateEmail: 'import' }
        : { upnSource: 'alternateEmail', alternateEmail: 'exclude' },
    )
  })
})
