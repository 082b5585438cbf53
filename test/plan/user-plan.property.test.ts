import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isJsonObject, type Json, type JsonObject } from '../../src/kernel/json.ts'
import { ATTRIBUTES, attributeNamed, type AttributeName } from '../../src/plan/attributes.ts'
import { desiredUser } from '../../src/plan/desired-user.ts'
import { type SeenUser, seenUser } from '../../src/plan/graph-user.ts'
import type { UserPlan } from '../../src/plan/planned.ts'
import { isClearable, SNAPSHOT_KEYS } from '../../src/plan/snapshot.ts'
import { type Fate, History, type Person, type Step } from './history.ts'

const NAMES: readonly AttributeName[] = ATTRIBUTES.map(({ name }) => name)
const CHOOSABLE = NAMES.filter((name) => !attributeNamed(name).locked)

const texts = fc.dictionary(fc.constantFrom(...NAMES), fc.constantFrom('A', 'B', 'C'))
const person: fc.Arbitrary<Person> = fc.record({
  texts,
  suspended: fc.boolean(),
  manager: fc.constantFrom(null, 'boss-1', 'boss-2'),
})
const fates = fc.array(fc.constantFrom<Fate>('answered', 'lost', 'late', 'unsent'), {
  maxLength: 4,
})
const personStep: fc.Arbitrary<Step> = fc.record({ kind: fc.constant('person'), person, fates })
const directionStep: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant('direction'),
  name: fc.constantFrom(...CHOOSABLE),
  direction: fc.constantFrom('export', 'import', 'exclude'),
  fates,
})

/** What an adopted user holds before: values that are never ours. */
const seed: fc.Arbitrary<Record<string, Json> | null> = fc.option(
  fc.subarray([...NAMES]).map((names) => {
    const user: Record<string, Json> = {
      userPrincipalName: 'theirs@contoso.com',
      displayName: 'theirs',
    }
    for (const name of names) {
      const { graph, kind } = attributeNamed(name)
      if (kind === 'text') user[graph] = 'theirs'
      if (kind === 'collection') user[graph] = ['theirs']
      if (kind === 'relationship') user[graph] = 'theirs'
      if (kind === 'orgData') user[graph] = { costCenter: 'theirs', division: 'theirs' }
    }
    return user
  }),
)

const settings = fc.record({
  blankPolicy: fc.constantFrom('ignore' as const, 'clear' as const),
  onSuspend: fc.constantFrom('disable' as const, 'leave' as const),
  usageLocation: fc.constantFrom(null, 'US'),
})

const history = fc
  .tuple(seed, settings, person)
  .map(([seed, settings, person]) => new History(seed && structuredClone(seed), settings, person))

const anySteps = fc.array(fc.oneof(personStep, directionStep), { maxLength: 8 })

const holds = (history: History): ReturnType<typeof seenUser> => {
  const user = history.graph.user ?? {}
  const manager = user['manager']
  return seenUser(user, typeof manager === 'string' ? manager : null)
}

const RUNS = { numRuns: 400 }

const desiredOf = (directory: History) => {
  const { user, ...rest } = directory.input()
  if (user === undefined) throw new Error('a history has a user')
  return desiredUser({ ...rest, user })
}

const sentBy = (plan: UserPlan): string[] => plan.writes.flatMap((write) => write.attributes)

/** Where Graph does not hold what it should, as texts. */
function faultsOf(directory: History): string[] {
  const { values, standIns } = desiredOf(directory)
  const seen = holds(directory)
  return SNAPSHOT_KEYS.flatMap((key) => {
    const value = values[key]
    const found = seen[key] ?? null
    if (value === undefined || value === found) return []
    if (standIns.includes(key) && found === 'theirs') return []
    if (value === null && !isClearable(key)) return []
    const blankOfOthers =
      value === null &&
      directory.settings.blankPolicy === 'ignore' &&
      (found === 'theirs' || directory.everChanged.has(key))
    return blankOfOthers ? [] : [`${key} is ${JSON.stringify(found)}, not ${JSON.stringify(value)}`]
  })
}

/** What of a body may not be written to this directory. */
function intrudersOf(directory: History, body: JsonObject, before: SeenUser): string[] {
  const allowed = new Set(['accountEnabled', 'mailNickname', 'passwordProfile'])
  const exported = NAMES.filter((name) => directory.exported(name))
  for (const name of exported) allowed.add(name === 'manager' ? '@odata.id' : graphOf(name))
  const intruders = Object.keys(body).filter((property) => !allowed.has(property))
  const orgData = body['employeeOrgData']
  if (!isJsonObject(orgData)) return intruders
  const changed = (['costCenter', 'division'] as const).filter(
    (name) => !directory.exported(name) && (orgData[name] ?? null) !== before[name],
  )
  return [...intruders, ...changed]
}

const graphOf = (name: AttributeName) => attributeNamed(name).graph

describe('a directory, whatever happened to it and whichever runs died,', () => {
  it('ends up holding what is desired, and blanks as the policy says', () => {
    fc.assert(
      fc.property(history, anySteps, (directory, steps) => {
        for (const step of steps) directory.live(step)
        directory.settle()
        expect(faultsOf(directory)).toEqual([])
      }),
      RUNS,
    )
  })

  it('has nothing left to plan once a plan was carried out', () => {
    fc.assert(
      fc.property(history, anySteps, (directory, steps) => {
        for (const step of steps) directory.live(step)
        directory.drain([])
        expect(directory.plan().writes.map((write) => write.request('id'))).toEqual([])
      }),
      RUNS,
    )
  })

  it('never sends an attribute that is not exported', () => {
    fc.assert(
      fc.property(history, anySteps, (directory, steps) => {
        for (const step of steps) {
          const before = seenUser({ employeeOrgData: null, ...directory.graph.user })
          directory.graph.bodies = []
          directory.live(step)
          const { bodies } = directory.graph
          expect(bodies.flatMap((body) => intrudersOf(directory, body, before))).toEqual([])
        }
      }),
      RUNS,
    )
  })

  it('never makes a second user', () => {
    fc.assert(
      fc.property(history, anySteps, (directory, steps) => {
        for (const step of steps) directory.live(step)
        directory.settle()
        expect(directory.graph.created).toBeLessThanOrEqual(1)
      }),
      RUNS,
    )
  })

  it('ends the sessions of a user after it was disabled', () => {
    fc.assert(
      fc.property(history, fc.array(personStep, { maxLength: 8 }), (directory, steps) => {
        for (const step of steps) directory.live(step)
        directory.settle()
        expect(directory.graph.openSessionsOfDisabled).toBe(false)
      }),
      RUNS,
    )
  })
})

describe('an unknown attribute', () => {
  it('is always sent when it is exported, blank or not', () => {
    fc.assert(
      fc.property(history, person, fc.subarray([...SNAPSHOT_KEYS]), (directory, next, unknown) => {
        directory.settle()
        directory.person = next
        directory.binding = { ...directory.binding, unknown }
        const { values: desired, standIns } = desiredOf(directory)
        const sent = sentBy(directory.plan())
        const owed = unknown.filter(
          (key) =>
            desired[key] !== undefined &&
            (desired[key] !== null || isClearable(key)) &&
            !(key === 'usageLocation' && standIns.includes(key)),
        )
        expect(owed.filter((key) => !sent.includes(key))).toEqual([])
      }),
      RUNS,
    )
  })
})

describe('an attribute that is excluded and exported again', () => {
  it('is sent again, although it did not change', () => {
    fc.assert(
      fc.property(history, fc.constantFrom(...CHOOSABLE), (directory, name) => {
        directory.settle()
        directory.live({ kind: 'direction', name, direction: 'exclude', fates: [] })
        directory.live({ kind: 'direction', name, direction: 'export', fates: ['unsent'] })
        const { values, standIns } = desiredOf(directory)
        const blank = typeof seenValue(values, name) !== 'string'
        const gaveWay = standIns.some((key) => key === name)
        expect(blank || gaveWay || sentBy(directory.plan()).includes(name)).toBe(true)
      }),
      RUNS,
    )
  })
})

describe('a plan that is given the only keys to send', () => {
  it('sends no other, and as they were exported', () => {
    fc.assert(
      fc.property(history, person, fc.subarray([...SNAPSHOT_KEYS]), (directory, next, keys) => {
        directory.settle()
        directory.person = next
        directory.binding = { ...directory.binding, unknown: keys }
        const { snapshot } = directory.binding
        const { writes } = directory.plan(new Set(keys))
        const only = new Set<string>(keys)
        const written = writes.flatMap(({ attributes }) => attributes)
        expect(written.filter((key) => !only.has(key))).toEqual([])
        const sent = Object.entries(Object.assign({}, ...writes.map(({ sets }) => sets)))
        const changed = sent.filter(([key, value]) => isOther(value, snapshot, key))
        expect(changed).toEqual([])
      }),
      RUNS,
    )
  })
})

/** Whoever was exported without a manager may wait for one. */
const isOther = (value: unknown, snapshot: Readonly<Record<string, unknown>>, key: string) =>
  snapshot[key] !== undefined && snapshot[key] !== null && value !== snapshot[key]

const seenValue = (values: Readonly<Record<string, unknown>>, name: string): unknown => values[name]
