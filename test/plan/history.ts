/**
 * A directory that lives through a history: users change, directions change, runs die. It does with plans what an export
 * does, against a model of Graph, so that properties can be stated of where it ends.
 */
import type { Json, JsonObject } from '../../src/kernel/json.ts'
import {
  ATTRIBUTES,
  type AttributeName,
  type ChosenDirection,
  type Direction,
  directionOf,
} from '../../src/plan/attributes.ts'
import { heldOf, seenUser } from '../../src/plan/graph-user.ts'
import type { UserBinding, UserPlan, UserPlanInput } from '../../src/plan/planned.ts'
import type { DirectorySettings } from '../../src/plan/settings.ts'
import { planUser } from '../../src/plan/user-plan.ts'
import { ENTERPRISE, input, NEVER_EXPORTED, settle, user, type WriteOutcome } from './builders.ts'
import { GRAPH_ID, ModelGraph } from './model-graph.ts'

/** What becomes of a write: `lost` never reached Graph, `late` did but was not answered. */
export type Fate = 'answered' | 'lost' | 'late' | 'unsent'

export interface Person {
  readonly texts: Readonly<Partial<Record<AttributeName, string>>>
  readonly suspended: boolean
  readonly manager: string | null
}

export type Step =
  | { readonly kind: 'person'; readonly person: Person; readonly fates: readonly Fate[] }
  | {
      readonly kind: 'direction'
      readonly name: AttributeName
      readonly direction: Direction
      readonly fates: readonly Fate[]
    }

export class History {
  readonly graph: ModelGraph
  readonly settings: Partial<DirectorySettings>
  readonly directions = new Map<AttributeName, ChosenDirection>()
  readonly everChanged = new Set<string>()
  binding: UserBinding
  person: Person
  sequence = 1

  constructor(
    seed: Record<string, Json> | null,
    settings: Partial<DirectorySettings>,
    person: Person,
  ) {
    this.graph = new ModelGraph(seed)
    this.settings = settings
    this.person = person
    this.binding = { ...NEVER_EXPORTED, graphId: seed === null ? null : GRAPH_ID }
    for (const { name } of ATTRIBUTES)
      this.directions.set(name, { direction: 'export', sequence: 1 })
  }

  live(step: Step): void {
    this.sequence++
    if (step.kind === 'person') this.person = step.person
    else {
      this.directions.set(step.name, { direction: step.direction, sequence: this.sequence })
      this.everChanged.add(step.name)
    }
    this.drain(step.fates)
  }

  /** Runs until a plan has no writes, everything being answered. */
  settle(): void {
    for (let round = 0; round < 4; round++) {
      if (this.drain([]).writes.length === 0) return
    }
    throw new Error(`no end: ${JSON.stringify(this.plan())}`)
  }

  /** One round; writes without a fate are answered. */
  drain(fates: readonly Fate[]): UserPlan {
    this.lookUpCreated()
    const plan = this.plan()
    const outcomes: WriteOutcome[] = []
    for (const [i, write] of plan.writes.entries()) {
      const fate = fates[i] ?? 'answered'
      if (fate === 'unsent') break
      if (fate !== 'lost') this.graph.apply(write.request(GRAPH_ID))
      outcomes.push(fate === 'answered' ? 'answered' : 'unanswered')
      // A run that has no answer dies: what depends on the write is not sent.
      if (fate !== 'answered') break
    }
    this.remember(plan, outcomes)
    return plan
  }

  /** What is to be sent; `only`: the keys that alone may be. */
  plan(only?: ReadonlySet<string>): UserPlan {
    const first = planUser({ ...this.input(), only })
    if (first.needs.length === 0) return first
    const current = heldOf(seenUser({ ...this.graph.user }), first.needs)
    return planUser({ ...this.input(), only, current })
  }

  input(): UserPlanInput {
    return input({
      user: user(documentOf(this.person), { suspended: this.person.suspended }),
      binding: this.binding,
      directions: this.directions,
      settings: this.settings,
      managerGraphId: this.person.manager,
    })
  }

  exported(name: AttributeName): boolean {
    return directionOf(this.directions, name).direction === 'export'
  }

  private remember(plan: UserPlan, outcomes: readonly WriteOutcome[]): void {
    const known = { ...settle(plan, outcomes), exportedSequence: this.sequence }
    if (plan.action !== 'create') this.binding = { ...this.binding, ...known }
    else if (outcomes[0] === 'answered')
      this.binding = { ...known, graphId: GRAPH_ID, creatingAs: null }
    else if (outcomes[0] === 'unanswered') {
      const upn = plan.writes[0]?.request('').body?.['userPrincipalName']
      const creatingAs = typeof upn === 'string' ? upn : null
      this.binding = { ...this.binding, ...known, creatingAs }
    }
  }

  /** A create without an answer is looked up by its name; what it wrote counts as unknown. */
  private lookUpCreated(): void {
    const { graphId, creatingAs } = this.binding
    if (graphId !== null || creatingAs === null) return
    if (this.graph.user?.['userPrincipalName'] !== creatingAs) return
    this.binding = { ...this.binding, graphId: GRAPH_ID, creatingAs: null }
  }
}

function documentOf({ texts }: Person): JsonObject {
  const value = (name: AttributeName) => texts[name] ?? ''
  return {
    userName: 'person',
    name: { givenName: value('firstname'), familyName: value('lastname') },
    emails: [
      { type: 'work', value: `${value('email') || 'person'}@contoso.com`, primary: true },
      ...(texts.alternateEmail ? [{ type: 'home', value: `${texts.alternateEmail}@x.net` }] : []),
    ],
    title: value('jobTitle'),
    locale: value('location'),
    userType: value('employeeType'),
    preferredLanguage: texts.preferredLanguage ? 'en-US' : '',
    addresses: [
      {
        type: 'work',
        streetAddress: value('workStreetAddress'),
        locality: value('workCity'),
        region: value('workState'),
        postalCode: value('workPostalCode'),
        country: value('workCountry'),
      },
    ],
    phoneNumbers: [
      { type: 'work', value: value('workPhone') },
      { type: 'mobile', value: value('mobilePhone') },
      { type: 'fax', value: value('fax') },
    ],
    [ENTERPRISE]: {
      department: value('department'),
      costCenter: value('costCenter'),
      division: value('division'),
      organization: value('company'),
      employeeNumber: value('employeeIdentifier'),
    },
  }
}
