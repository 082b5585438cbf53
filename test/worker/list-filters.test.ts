import { env } from 'cloudflare:workers'
import { sql } from 'drizzle-orm'
import * as fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'

import { connect, encode } from '../../src/db/client.ts'
import { filterCondition } from '../../src/db/filter-sql.ts'
import {
  groupColumns,
  readGroup,
  readUser,
  showGroup,
  showUser,
  userColumns,
} from '../../src/db/row.ts'
import { group, user } from '../../src/db/tables/provisioning.ts'
import type { JsonObject } from '../../src/kernel/json.ts'
import { toRfc3339 } from '../../src/kernel/time.ts'
import { parseAttributePath } from '../../src/scim/attribute-path.ts'
import type { ResourceType } from '../../src/scim/attributes.ts'
import { parseFilter } from '../../src/scim/filter.ts'
import { matchesFilter } from '../../src/scim/match.ts'
import { printFilter } from '../../src/scim/print-filter.ts'
import { readResource } from '../../src/scim/resource.ts'
import { GROUP, USER } from '../../src/scim/resource-types.ts'
import type { Filter } from '../../src/scim/tree.ts'
import {
  checkedFilters,
  CUSTOM_URN,
  documents,
  TEXTS,
  UNASKABLE,
} from '../scim/arbitrary-resource.ts'
import { newId, seedSource } from '../support/seed.ts'

const SEED = 20261122
const BASE = 'https://gateway.test/scim/v2'
const RESOURCES = 60
const FILTERS = 400
const BATCH = 50

const idOf = (resource: JsonObject | undefined): string =>
  typeof resource?.['id'] === 'string' ? resource['id'] : ''

const database = connect(env.DB)
let organizationId = ''
let users: JsonObject[] = []
let groups: JsonObject[] = []

const sample = <T>(arbitrary: fc.Arbitrary<T>, count: number, seed = SEED): T[] =>
  fc.sample(arbitrary, { numRuns: count, seed })

/** Inserts rows of column names and values. */
function insert(table: string, rows: Record<string, unknown>[]) {
  const names = Object.keys(rows[0] ?? {})
  const values = names.map((name) => sql.raw(`value ->> '$.${name}'`))
  return sql`INSERT INTO ${sql.identifier(table)} (${sql.raw(names.join(', '))})
    SELECT ${sql.join(values, sql`, `)} FROM json_each(${JSON.stringify(rows)})`
}

/** Users and groups that are members of each other at random, as rows and as resources. */
beforeAll(async () => {
  ;({ organizationId } = await seedSource())
  const T0 = Date.UTC(2026, 0, 1)
  const common = (at: number) => ({
    organizationId,
    sourceId: null,
    importedFrom: null,
    version: (at % 3) + 1,
    createdAt: T0 + at * 1000,
    modifiedAt: T0 + at * 1500,
  })
  const userRows = sample(documents(USER), RESOURCES).map((make, at) => {
    const resource = make(String(at))
    const { otherEmailKeys: _, ...columns } = userColumns(resource)
    return encode(user, {
      ...common(at),
      ...columns,
      emailKey: null,
      id: newId('usr'),
      usernameKey: null,
      suspended: at % 4 === 0,
      passwordExpired: at % 7 === 0,
      hasPassword: false,
      imported: null,
      resource,
    })
  })
  const groupRows = sample(documents(GROUP), RESOURCES).map((make, at) => {
    const resource = make(String(at))
    const columns = groupColumns(resource)
    return encode(group, {
      ...common(at),
      ...columns,
      externalId: columns.externalId === null ? null : `${columns.externalId}${at}`,
      id: newId('grp'),
      resource: {
        ...resource,
        ...(columns.externalId === null ? {} : { externalId: `${columns.externalId}${at}` }),
      },
    })
  })
  const memberships = groupRows.flatMap(({ id }, at) =>
    [...userRows.slice(at, at + (at % 3)), ...groupRows.slice(0, at % 2)].map((member) => ({
      group_id: id,
      member_id: member['id'],
    })),
  )
  await database.run(
    insert('user', userRows),
    insert('group', groupRows),
    insert(
      'group_member',
      memberships.map((row) => ({ organization_id: organizationId, ...row })),
    ),
  )
  const [readUsers, readGroups] = await database.run(
    sql`SELECT u.*, (SELECT json_group_array(json_object('id', g.id, 'displayName', g.resource ->> '$.displayName'))
      FROM group_member m JOIN "group" g ON g.organization_id = m.organization_id AND g.id = m.group_id
      WHERE m.member_id = u.id) AS groups FROM user u WHERE organization_id = ${organizationId} ORDER BY id`,
    sql`SELECT * FROM "group" WHERE organization_id = ${organizationId} ORDER BY id`,
  )
  users = (readUsers?.rows ?? []).map((row) => showUser(readUser(row), BASE))
  groups = (readGroups?.rows ?? []).map((row) =>
    showGroup(
      readGroup(
        row,
        memberships.flatMap((held) =>
          held.group_id === row['id'] ? [String(held.member_id)] : [],
        ),
      ),
      BASE,
    ),
  )
})

const tableOf = (type: ResourceType, owner: string) =>
  type.name === 'User'
    ? sql`user u WHERE u.organization_id = ${owner} ORDER BY u.id`
    : sql`"group" g WHERE g.organization_id = ${owner} ORDER BY g.id`

/** For each filter and each resource, what SQL says: 1, 0 or null. */
async function askSql(
  filters: readonly Filter[],
  type: ResourceType,
  owner: string,
): Promise<(number | null)[][]> {
  const said: (number | null)[][] = []
  for (let from = 0; from < filters.length; from += BATCH) {
    const answers = await database.run(
      ...filters
        .slice(from, from + BATCH)
        .map(
          (filter) =>
            sql`SELECT ${filterCondition(filter, type, BASE)} AS x FROM ${tableOf(type, owner)}`,
        ),
    )
    for (const { rows } of answers) said.push(rows.map(({ x }) => x as number | null))
  }
  return said
}

interface Verdict {
  readonly wrong: readonly string[]
  readonly matched: number
  readonly undecided: number
}

/** Every filter about every resource, as SQL and as the matcher decide it. */
async function compare(
  filters: readonly Filter[],
  type: ResourceType,
  owner: string,
  resources: readonly JsonObject[],
): Promise<Verdict> {
  const said = await askSql(filters, type, owner)
  const wrong: string[] = []
  let matched = 0
  let undecided = 0
  for (const [i, filter] of filters.entries())
    for (const [j, resource] of resources.entries()) {
      const decided = said[i]?.[j]
      const expected = matchesFilter(resource, filter, type)
      if (expected) matched += 1
      if (decided === null) undecided += 1
      else if (decided !== Number(expected))
        wrong.push(`${printFilter(filter)} said ${decided} of ${JSON.stringify(resource)}`)
    }
  return { wrong: wrong.slice(0, 5), matched, undecided }
}

describe('what SQL decides of a filter is what the pure matcher decides', () => {
  test.each([
    ['users', USER, () => users],
    ['groups', GROUP, () => groups],
  ] as const)('%s', async (_, type, resourcesOf) => {
    const resources = resourcesOf()
    expect(resources).toHaveLength(RESOURCES)
    const asked = [resources[3], resources[20]].flatMap((resource) => [
      idOf(resource),
      `${BASE}${type.endpoint}/${idOf(resource)}`,
    ])
    const times = [toRfc3339(Date.UTC(2026, 0, 1) + 5000), '2026-01-01T01:00:00+01:00', 'W/"2"']
    const ids = [...users, ...groups].slice(55, 65).map(idOf)
    const filters = sample(checkedFilters(type, [...asked, ...times, ...ids]), FILTERS)
    const verdict = await compare(filters, type, organizationId, resources)
    expect(verdict.wrong).toEqual([])
    // Filters that match nothing, or that SQL leaves to JavaScript, would prove nothing.
    expect(verdict.matched).toBeGreaterThan((FILTERS * RESOURCES) / 10)
    expect(verdict.undecided).toBeLessThan((FILTERS * RESOURCES) / 4)
  })

  test('what other rows and columns tell', async () => {
    const filters = ['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'le'].flatMap((operator) =>
      users.slice(0, 12).flatMap(({ meta, groups: held }) => {
        const { version = '', created = '' } = meta as Record<string, string>
        const group = (held as Record<string, string>[] | undefined)?.[0]
        return [
          `meta.version ${operator} ${JSON.stringify(version)}`,
          ...(/eq|ne|gt|le/.test(operator) ? [`meta.created ${operator} "${created}"`] : []),
          ...['value', '$ref', 'display', 'type'].map(
            (sub) => `groups.${sub} ${operator} ${JSON.stringify(group?.[sub] ?? 'x')}`,
          ),
        ]
      }),
    )
    const checked = filters.flatMap((text) => {
      const parsed = parseFilter(text)
      return parsed.ok ? [parsed.value] : []
    })
    expect(checked).toHaveLength(filters.length)
    const verdict = await compare(checked, USER, organizationId, users)
    expect(verdict.wrong).toEqual([])
    expect(verdict.matched).toBeGreaterThan(checked.length)
  })

  const matrix = [...new Set([...TEXTS, ...UNASKABLE])]
  test.each(['title', 'profileUrl', 'roles.value', `${CUSTOM_URN}:plain`])(
    'every text against every text: %s',
    async (name) => {
      const { organizationId: owner } = await seedSource()
      const rows = matrix.map((text, at) => {
        const read = readResource(
          {
            userName: `user${at}`,
            title: text,
            profileUrl: text,
            roles: [{ value: text }, { value: 'role' }],
            [CUSTOM_URN]: { plain: text },
          },
          USER,
        )
        if (!read.ok) throw new Error('unreadable')
        const { otherEmailKeys: _, ...columns } = userColumns(read.value.resource)
        return encode(user, {
          organizationId: owner,
          sourceId: null,
          importedFrom: null,
          version: 1,
          createdAt: 0,
          modifiedAt: 0,
          suspended: false,
          passwordExpired: false,
          hasPassword: false,
          imported: null,
          ...columns,
          usernameKey: null,
          id: newId('usr'),
          resource: read.value.resource,
        })
      })
      await database.run(insert('user', rows))
      const [answer] = await database.run(sql`SELECT u.* FROM ${tableOf(USER, owner)}`)
      const resources = (answer?.rows ?? []).map((row) => showUser(readUser(row), BASE))
      const path = parseAttributePath(name)
      if (!path.ok) throw new Error(path.error)
      const filters = (['eq', 'co', 'sw', 'ew', 'gt', 'le'] as const).flatMap((operator) =>
        TEXTS.map((value): Filter => ({ kind: 'compare', path: path.value, operator, value })),
      )
      const verdict = await compare(filters, USER, owner, resources)
      expect(verdict.wrong).toEqual([])
      expect(verdict.undecided).toBeLessThan((filters.length * resources.length) / 3)
    },
    60_000,
  )
})
