/** What the SCIM service asks of D1: rows written, round trips, indexes searched; and what two writers do to each other. */
import { env } from 'cloudflare:workers'
import { sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'

import { connect } from '../../src/db/client.ts'
import { readLog, scimClient, seedSource, type Loose, type ScimClient } from '../support/seed.ts'
import { lossy, staged, together } from '../support/staged.ts'

const newUser = (name: string, more: object = {}) => ({
  userName: `${name}@contoso.com`,
  externalId: `ext-${name}`,
  displayName: name,
  emails: [{ type: 'work', primary: true, value: `${name}@contoso.com` }],
  ...more,
})

const filterBy = (filter: string) => `filter=${encodeURIComponent(filter)}`

/** A client whose credential is known already, as in all but the first request of 30 seconds. */
async function warmClient(options: Parameters<typeof scimClient>[0] = {}): Promise<ScimClient> {
  const scim = await scimClient(options)
  await scim.get('/ServiceProviderConfig')
  return scim
}

describe('budgets', () => {
  const more = {
    'one more address': {
      emails: [...newUser('ann').emails, { type: 'home', value: 'ann@home.example' }],
    },
    'a password': { password: 'Secret-1234567' },
  }
  test('a create is one round trip and eight rows, nine with an address more or a password', async () => {
    const scim = await warmClient()
    const { cost } = await scim.post('/Users', newUser('ann'))
    expect([cost.roundTrips, cost.rowsWritten]).toEqual([1, 8])
    for (const [what, extra] of Object.entries(more)) {
      const other = await warmClient()
      const { status, cost: larger } = await other.post('/Users', newUser('ann', extra))
      expect([what, status, larger.roundTrips, larger.rowsWritten]).toEqual([what, 201, 1, 9])
    }
  })

  test('a local part that differs from the userName costs one row more', async () => {
    const scim = await warmClient({ policy: 'local-part' })
    const { cost } = await scim.post('/Users', newUser('ann'))
    expect([cost.roundTrips, cost.rowsWritten]).toEqual([1, 9])
  })

  test('a refused create costs two round trips and no row', async () => {
    const scim = await warmClient()
    await scim.post('/Users', newUser('ann'))
    const { status, cost } = await scim.post('/Users', newUser('ann'))
    expect([status, cost.roundTrips, cost.rowsWritten]).toEqual([409, 2, 0])
  })

  test('a PATCH is two round trips and three rows, four when it is urgent, none when nothing changes', async () => {
    const scim = await warmClient()
    const { body } = await scim.post('/Users', newUser('ann'))
    const patch = async (path: string, value: unknown) => {
      const { cost } = await scim.patch(`/Users/${body['id']}`, [{ op: 'replace', path, value }])
      return [cost.roundTrips, cost.rowsWritten]
    }
    expect(await patch('title', 'Dr')).toEqual([2, 3])
    expect(await patch('title', 'Dr')).toEqual([1, 0])
    expect(await patch('active', false)).toEqual([2, 4])
    expect(await patch('active', true)).toEqual([2, 4])
    const [, renamed] = await patch('userName', 'anna@contoso.com')
    expect(renamed).toBeLessThanOrEqual(4)
  })

  test('reads and filters are one round trip', async () => {
    const scim = await warmClient()
    const { body } = await scim.post('/Users', newUser('ann'))
    const group = await scim.post('/Groups', { displayName: 'G', members: [{ value: body['id'] }] })
    for (const path of [
      '/Users',
      '/Groups',
      `/Users/${body['id']}`,
      `/Groups/${group.body['id']}`,
      `/Users?${filterBy('userName eq "ann@contoso.com"')}`,
      `/Groups?${filterBy('displayName eq "G"')}`,
      `/Groups?excludedAttributes=members&${filterBy('displayName eq "G"')}`,
    ]) {
      const { status, cost } = await scim.get(path)
      expect([path, status, cost.roundTrips, cost.rowsWritten]).toEqual([path, 200, 1, 0])
    }
  })

  test('a group PATCH that adds k members writes 2k + 3 rows, whatever the group holds', async () => {
    const scim = await warmClient()
    const members = (from: number, count: number) =>
      Array.from({ length: count }, (_, at) => ({ value: `usr_${from + at}` }))
    const created = await scim.post('/Groups', { displayName: 'G', members: members(0, 300) })
    expect(created.cost.rowsWritten).toBeLessThanOrEqual(2 * 300 + 6)
    const path = `/Groups/${created.body['id']}`
    const patch = { op: 'Add', path: 'members', value: members(1000, 20) }
    const { status, cost } = await scim.patch(path, [patch])
    expect([status, cost.roundTrips, cost.rowsWritten]).toEqual([204, 2, 2 * 20 + 3])
    expect(cost.rowsRead).toBeLessThan(150)
    const again = await scim.patch(path, [patch])
    expect([again.status, again.cost.roundTrips, again.cost.rowsWritten]).toEqual([204, 1, 0])
    const removal = { op: 'Remove', path: 'members', value: members(1000, 1) }
    const removed = await scim.patch(path, [removal])
    expect([removed.status, removed.cost.rowsWritten <= 5]).toEqual([204, true])
  })

  test('a group PATCH of k members reads and writes the same rows whether the group holds 10 members or 20,000', async () => {
    const scim = await warmClient()
    const members = (from: number, count: number) =>
      Array.from({ length: count }, (_, at) => ({ value: `usr_${from + at}` }))
    const costsIn = async (displayName: string, size: number) => {
      const { body } = await scim.post('/Groups', { displayName, members: members(0, size) })
      const path = `/Groups/${body['id']}`
      const costs: number[][] = []
      for (const [op, k] of [
        ['Add', 7],
        ['Remove', 7],
        ['Add', 70],
        ['Remove', 70],
      ] as const) {
        // prettier-ignore
        const patched = await scim.patch(path, [{ op, path: 'members', value: members(50_000, k) }])
        const { rowsRead, rowsWritten, roundTrips } = patched.cost
        expect([patched.status, roundTrips, rowsWritten <= 2 * k + 3]).toEqual([204, 2, true])
        // Fourteen for each member that goes: ids are looked for, found, counted and taken out of two indexes.
        expect(rowsRead).toBeLessThanOrEqual(14 * k + 20)
        costs.push([rowsRead, rowsWritten])
      }
      return costs
    }
    expect(await costsIn('few', 10)).toEqual(await costsIn('many', 20_000))
  })

  test('a group of 20,000 members is read, patched and deleted', async () => {
    const scim = await warmClient()
    const members = Array.from({ length: 20_000 }, (_, at) => ({ value: `usr_${at}` }))
    const created = await scim.post('/Groups', { displayName: 'Everybody', members })
    expect(created.status).toBe(201)
    const path = `/Groups/${created.body['id']}`
    const added = await scim.patch(path, [{ op: 'add', path: 'members', value: [{ value: 'u' }] }])
    expect([added.status, added.cost.rowsWritten]).toEqual([204, 5])
    expect((await scim.get(path)).body['members']).toHaveLength(20_001)
    const half = members.slice(0, 10_000)
    const halved = await scim.patch(path, [{ op: 'replace', path: 'members', value: half }])
    expect(halved.status).toBe(204)
    expect((await scim.get(path)).body['members']).toHaveLength(10_000)
    expect((await scim.delete(path)).status).toBe(204)
    const log = await readLog(scim.organizationId)
    expect(log.map(({ touched }) => touched.length)).toEqual([1001, 1, 1001, 1001])
    const [left] = await connect(env.DB).run(
      sql`SELECT count(*) AS count FROM group_member WHERE organization_id = ${scim.organizationId}`,
    )
    expect(left?.rows).toEqual([{ count: 0 }])
  })
})

describe('filters by eq search an index', () => {
  /** What SQLite would do for each statement of a request. */
  async function plansOf(path: string): Promise<string[]> {
    const asked: { text: string; values: unknown[] }[] = []
    const recorded = new Proxy(env.DB, {
      get(d1, name) {
        if (name !== 'prepare') return Reflect.get(d1, name).bind(d1)
        return (text: string) => {
          const statement = d1.prepare(text)
          const bind = (...values: unknown[]) => {
            asked.push({ text, values })
            return statement.bind(...values)
          }
          return Object.assign(Object.create(statement), { bind })
        }
      },
    })
    const source = await seedSource()
    await warmClient({ as: source })
    const scim = await scimClient({ as: source, instead: { connect: () => connect(recorded) } })
    expect((await scim.get(path)).status).toBe(200)
    expect(asked.length).toBeGreaterThan(0)
    const plans = asked.map(async ({ text, values }) => {
      const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${text}`)
        .bind(...values)
        .all<{ detail: string }>()
      return results.map(({ detail }) => detail)
    })
    return (await Promise.all(plans)).flat()
  }

  const userById = 'sqlite_autoindex_user_1 (organization_id=? AND id=?)'
  const groupById = 'SEARCH g USING PRIMARY KEY (organization_id=? AND id=?)'
  const memberOf = 'SEARCH group_member USING PRIMARY KEY (organization_id=? AND group_id=?)'
  test.for([
    ['Users', 'id eq "X"', userById],
    ['Users', 'id eq "X" and manager eq "Y"', userById],
    ['Users', 'manager eq "Y" and id eq "X"', userById],
    ['Users', 'userName eq "X"', 'user_by_user_name (organization_id=? AND user_name_key=?)'],
    [
      'Users',
      'active eq true and userName eq "X"',
      'user_by_user_name (organization_id=? AND user_name_key=?)',
    ],
    ['Users', 'externalId eq "X"', 'user_by_external_id (organization_id=? AND external_id=?)'],
    ['Users', 'emails.value eq "X"', 'user_by_email (organization_id=? AND email_key=?)'],
    [
      'Users',
      'emails eq "X"',
      'SEARCH email USING PRIMARY KEY (organization_id=? AND address_key=?)',
    ],
    [
      'Users',
      'emails[type eq "work"].value eq "X"',
      'user_by_email (organization_id=? AND email_key=?)',
    ],
    ['Users', 'groups.value eq "X"', memberOf],
    ['Groups', 'id eq "X"', groupById],
    ['Groups', 'id eq "X" and members eq "Y"', groupById],
    [
      'Groups',
      'displayName eq "X"',
      'group_by_display_name (organization_id=? AND display_name_key=?)',
    ],
    ['Groups', 'externalId eq "X"', 'group_by_external_id (organization_id=? AND external_id=?)'],
    ['Groups', 'members eq "X"', 'group_member_by_member (organization_id=? AND member_id=?)'],
  ] as const)('%s by %s', async ([endpoint, filter, index]) => {
    const plans = await plansOf(`/${endpoint}?${filterBy(filter)}`)
    expect(plans.join('\n')).toContain(index)
    const ranges = plans.filter((detail) =>
      /^SCAN (?!json_each)|\(organization_id=\?\)$|id>\?\)$/.test(detail),
    )
    expect(ranges).toEqual([])
  })
})

const replace = (path: string, value: unknown) => [{ op: 'replace', path, value }]

describe('two writers', () => {
  test('a PATCH that another one overtakes is applied to what that one left', async () => {
    const first = await warmClient()
    const { body } = await first.post('/Users', newUser('ann'))
    const path = `/Users/${body['id']}`
    const slow = await scimClient({
      as: first,
      instead: {
        connect: staged(async (batch) => {
          if (batch === 2) await first.patch(path, replace('title', 'Dr'))
        }),
      },
    })
    const { status, body: answered } = await slow.patch(path, replace('nickName', 'A'))
    expect(status).toBe(200)
    expect(answered).toMatchObject({ title: 'Dr', nickName: 'A', meta: { version: 'W/"3"' } })
    expect((await first.get(path)).body).toEqual(answered)
    const log = await readLog(first.organizationId)
    expect(
      log.map(({ sequence, body: { changes } }) => [sequence, changes.at(-1).attribute]),
    ).toEqual([
      [1, 'emails'],
      [2, 'title'],
      [3, 'nickName'],
    ])
  })

  test('with If-Match the one that comes late is refused and changes nothing', async () => {
    const first = await warmClient()
    const { body } = await first.post('/Users', newUser('ann'))
    const path = `/Users/${body['id']}`
    const connectStaged = staged(async (batch) => {
      if (batch === 2) await first.patch(path, replace('title', 'Dr'))
    })
    const slow = await scimClient({ as: first, instead: { connect: connectStaged } })
    const late = await slow.patch(path, replace('nickName', 'A'), { 'If-Match': 'W/"1"' })
    expect([late.status, late.headers.get('ETag')]).toEqual([412, 'W/"2"'])
    expect((await first.get(path)).body).not.toHaveProperty('nickName')
    expect(await readLog(first.organizationId)).toHaveLength(2)
  })

  test('a PATCH that is overtaken sixteen times answers 503 and has changed nothing', async () => {
    const first = await warmClient()
    const { body } = await first.post('/Users', newUser('ann'))
    const path = `/Users/${body['id']}`
    let overtaken = 0
    const pauses: number[] = []
    const slow = await scimClient({
      as: first,
      instead: {
        pause: async (rounds) => {
          pauses.push(rounds)
        },
        connect: staged(async (batch) => {
          if (batch % 2 === 1) return
          overtaken += 1
          await first.patch(path, replace('title', `Dr ${overtaken}`))
        }),
      },
    })
    const refused = await slow.patch(path, replace('nickName', 'A'))
    expect([refused.status, refused.headers.get('Retry-After')]).toEqual([503, '1'])
    expect(overtaken).toBe(16)
    // It lets the others go first, longer each time, and not once it has given up.
    expect(pauses).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15])
    const { body: left } = await first.get(path)
    expect(left).toMatchObject({ title: 'Dr 16' })
    expect(left).not.toHaveProperty('nickName')
    expect(await readLog(first.organizationId)).toHaveLength(17)
    expect(slow.rung).toEqual([])
  })

  test('nothing of an overtaken batch is written: no address, no password, no counter, no event', async () => {
    const first = await warmClient()
    const { body } = await first.post('/Users', newUser('ann'))
    const path = `/Users/${body['id']}`
    let rounds = 0
    const slow = await scimClient({
      as: first,
      instead: {
        connect: staged(async (batch) => {
          if (batch === 2) await first.delete(path)
          rounds = batch
        }),
      },
    })
    const operations = [
      { op: 'add', path: 'emails', value: [{ type: 'home', value: 'ann@home.example' }] },
      { op: 'add', path: 'password', value: 'Secret-1234567' },
    ]
    expect((await slow.patch(path, operations)).status).toBe(404)
    expect(rounds).toBe(3)
    for (const table of ['user', 'email', 'pending_password']) {
      const [answer] = await connect(env.DB).run(
        sql`SELECT * FROM ${sql.identifier(table)} WHERE organization_id = ${first.organizationId}`,
      )
      expect(answer?.rows).toEqual([])
    }
    expect(await readLog(first.organizationId)).toHaveLength(2)
    expect((await first.get('/Users')).body['totalResults']).toBe(0)
  })

  test('many concurrent PATCHes of one user lose no update', async () => {
    const scim = await warmClient()
    const { body } = await scim.post('/Users', newUser('ann'))
    const path = `/Users/${body['id']}`
    const names = ['nickName', 'title', 'profileUrl', 'locale']
    const answers = await Promise.all(names.map((name) => scim.patch(path, replace(name, name))))
    expect(answers.map(({ status }) => status)).toEqual(names.map(() => 200))
    const { body: left } = await scim.get(path)
    expect(left).toMatchObject(Object.fromEntries(names.map((name) => [name, name])))
    expect(left['meta'].version).toBe(`W/"${names.length + 1}"`)
  })

  test('sixteen PATCHes of one user that have all read it before one is written are all carried out', async () => {
    const first = await warmClient()
    const { body } = await first.post('/Users', newUser('ann'))
    const path = `/Users/${body['id']}`
    const connecting = together(16, 2)
    const clients = await Promise.all(
      Array.from({ length: 16 }, () => scimClient({ as: first, instead: { connect: connecting } })),
    )
    const answers = await Promise.all(
      clients.map((client, n) =>
        client.patch(path, [{ op: 'add', path: 'roles', value: [{ value: `role ${n}` }] }]),
      ),
    )
    expect(answers.map(({ status }) => status)).toEqual(clients.map(() => 200))
    const { body: left } = await first.get(path)
    expect(left['roles']).toHaveLength(16)
    expect(left['meta'].version).toBe('W/"17"')
    expect(await readLog(first.organizationId)).toHaveLength(17)
  })

  test('two creates of one name at once: one wins, the other is told the id', async () => {
    const scim = await warmClient()
    const answers = await Promise.all([
      scim.post('/Users', newUser('ann')),
      scim.post('/Users', newUser('ann')),
    ])
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 409])
    const won = answers.find(({ status }) => status === 201)
    const lost = answers.find(({ status }) => status === 409)
    expect(lost?.body['detail']).toContain(won?.body['id'])
    expect((await scim.get('/Users')).body['totalResults']).toBe(1)
    expect(await readLog(scim.organizationId)).toHaveLength(1)
  })

  test('a user who joins a group while being deleted leaves no membership behind', async () => {
    const first = await warmClient()
    const { body } = await first.post('/Users', newUser('ann'))
    const id: string = body['id']
    let groupId = ''
    const slow = await scimClient({
      as: first,
      instead: {
        connect: staged(async (batch) => {
          if (batch !== 2) return
          const group = await first.post('/Groups', { displayName: 'G', members: [{ value: id }] })
          groupId = group.body['id']
        }),
      },
    })
    expect((await slow.delete(`/Users/${id}`)).status).toBe(204)
    expect((await first.get(`/Groups/${groupId}`)).body['members']).toEqual([])
    const event: Loose | undefined = (await readLog(first.organizationId)).at(-1)
    expect(event).toMatchObject({ type: 'user_delete', touched: [groupId] })
  })

  test('a group that joins a group while being deleted leaves no membership behind', async () => {
    const first = await warmClient()
    const { body } = await first.post('/Groups', { displayName: 'inner' })
    const id: string = body['id']
    let outerId = ''
    const slow = await scimClient({
      as: first,
      instead: {
        connect: staged(async (batch) => {
          if (batch !== 2) return
          const outer = { displayName: 'outer', members: [{ value: id }] }
          outerId = (await first.post('/Groups', outer)).body['id']
        }),
      },
    })
    expect((await slow.delete(`/Groups/${id}`)).status).toBe(204)
    expect((await first.get(`/Groups/${outerId}`)).body['members']).toEqual([])
    const event: Loose | undefined = (await readLog(first.organizationId)).at(-1)
    expect(event).toMatchObject({ type: 'group_delete', touched: [outerId] })
  })

  test('a user who is deleted is taken out of every group, and the event names all of them', async () => {
    const scim = await warmClient()
    const { body } = await scim.post('/Users', newUser('ann'))
    const COUNT = 1200
    const groups = sql`WITH RECURSIVE series(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < ${COUNT})`
    const name = sql`printf('grp_%026d', n)`
    await connect(env.DB).run(
      sql`${groups} INSERT INTO "group" (organization_id, id, display_name_key, resource, version, created_at, modified_at)
        SELECT ${scim.organizationId}, ${name}, ${name}, json_object('displayName', ${name}), 1, 0, 0 FROM series`,
      sql`${groups} INSERT INTO group_member (organization_id, group_id, member_id)
        SELECT ${scim.organizationId}, ${name}, ${body['id']} FROM series`,
    )
    expect((await scim.delete(`/Users/${body['id']}`)).status).toBe(204)
    const event = (await readLog(scim.organizationId)).at(-1)
    expect(new Set(event?.['touched']).size).toBe(COUNT)
  })

  test('two group PATCHes at once both count', async () => {
    const first = await warmClient()
    const { body } = await first.post('/Groups', { displayName: 'G' })
    const path = `/Groups/${body['id']}`
    const add = (id: string) => [{ op: 'add', path: 'members', value: [{ value: id }] }]
    const slow = await scimClient({
      as: first,
      instead: {
        connect: staged(async (batch) => {
          if (batch === 2) await first.patch(path, add('usr_a'))
        }),
      },
    })
    expect((await slow.patch(path, add('usr_b'))).status).toBe(204)
    const { body: left } = await first.get(path)
    expect(left['members']).toHaveLength(2)
    expect(left['meta'].version).toBe('W/"3"')
  })
})

describe('a lost answer of D1', () => {
  test.for([true, false])('a create is done once (carried out: %s)', async (isCarriedOut) => {
    const source = await seedSource()
    const sound = await warmClient({ as: source })
    const scim = await scimClient({ as: source, instead: { connect: lossy(1, isCarriedOut) } })
    const { status, body } = await scim.post('/Users', newUser('ann'))
    expect(status).toBe(201)
    const { body: list } = await sound.get('/Users')
    expect([list['totalResults'], list['Resources']]).toEqual([1, [body]])
    expect(await readLog(source.organizationId)).toHaveLength(1)
  })

  test.for([true, false])('a PATCH is done once (carried out: %s)', async (isCarriedOut) => {
    const sound = await warmClient()
    const { body } = await sound.post('/Users', newUser('ann'))
    const path = `/Users/${body['id']}`
    const scim = await scimClient({ as: sound, instead: { connect: lossy(2, isCarriedOut) } })
    const operations = replace('title', 'Dr')
    const { status, headers } = await scim.patch(path, operations, { 'If-Match': 'W/"1"' })
    expect([status, headers.get('ETag')]).toEqual([200, 'W/"2"'])
    expect(await readLog(sound.organizationId)).toHaveLength(2)
    expect(scim.rung).toHaveLength(1)
  })

  test.for([true, false])(
    'a group and a DELETE are done once (carried out: %s)',
    async (isCarriedOut) => {
      const source = await seedSource()
      const sound = await warmClient({ as: source })
      const creating = await scimClient({
        as: source,
        instead: { connect: lossy(1, isCarriedOut) },
      })
      const { status, body } = await creating.post('/Groups', { displayName: 'G' })
      expect(status).toBe(201)
      const path = `/Groups/${body['id']}`
      const deleting = await scimClient({
        as: source,
        instead: { connect: lossy(2, isCarriedOut) },
      })
      expect((await deleting.delete(path)).status).toBe(204)
      expect((await sound.get('/Groups')).body['totalResults']).toBe(0)
      expect(await readLog(source.organizationId)).toHaveLength(2)
    },
  )
})
