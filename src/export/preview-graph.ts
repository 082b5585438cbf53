/** What a preview reads of Microsoft 365: the accounts, and what it takes to say which of them would be adopted, or not be written. */
import { readPreviewHolders } from '../db/preview-reader.ts'
import type { Outcome } from '../graph/outcome.ts'
import { isJsonObject, type JsonObject } from '../kernel/json.ts'
import { err, type Result } from '../kernel/result.ts'
import { type DomainFacts, readDomainFacts, verifiedDomains } from '../plan/domain-facts.ts'
import { USER_SELECT } from '../plan/graph-user.ts'
import { importedNames } from '../plan/imported.ts'
import {
  getDeleted,
  getUserWithManager,
  type GraphRequest,
  listDomains,
  listMemberships,
} from '../plan/requests.ts'
import { ADOPTION_SELECT, isPrivilegedBy } from './adoption.ts'
import { dependsOnDomains, factsFrom, isLookDue } from './domain-facts.ts'
import { managerIn, planFor } from './preview-plan.ts'
import { withPrivileges } from './preview-privileges.ts'
import {
  accountsIn,
  faultIn,
  type Reading,
  type ReadingFault,
  readOutcomes,
} from './preview-reading.ts'
import { type Configuration, nameToCreate, type Setting, type Subject } from './preview-subject.ts'

const SELECT = [...new Set([...USER_SELECT, ...ADOPTION_SELECT])]
const DOMAINS = 'domains'
/** Before the id of a user whose deleted account is read. */
const DELETED = 'deleted-'

/** Reads what there is to know of the subjects' accounts. */
export async function readGraph(
  reading: Reading,
  subjects: readonly Subject[],
): Promise<Result<Setting, ReadingFault>> {
  const { configuration, directory, now } = reading
  const before = readDomainFacts(directory.domains)
  const requests = requestsFor(configuration, subjects)
  const outcomes = await readOutcomes(
    reading,
    before === null ? new Map([...requests, [DOMAINS, listDomains()]]) : requests,
  )
  const domains = outcomes.get(DOMAINS)
  outcomes.delete(DOMAINS)
  const inBin = takeDeleted(outcomes)
  const found = accountsIn(outcomes)
  const bound = new Set(subjects.flatMap(({ user, binding }) => (binding?.graphId ? user.id : [])))
  const strangers = [...found].filter(([id]) => !bound.has(id))
  const memberships = await readOutcomes(
    reading,
    new Map(strangers.map(([id, account]) => [id, listMemberships(account.id)])),
  )
  const fault = faultIn([...outcomes.values(), ...inBin.values(), ...memberships.values()])
  if (fault !== undefined) return err(fault)
  for (const [id, account] of strangers) {
    const answer = memberships.get(id)
    if (answer?.kind === 'done')
      found.set(id, { ...account, isPrivileged: isPrivilegedBy(answer.body) })
  }
  const importsManager = importedNames(configuration.directions).includes('manager')
  const managers = importsManager ? managersIn(outcomes.values()) : []
  const graphIds = [...strangers.map(([, { id }]) => id), ...managers]
  const facts = domains === undefined ? before : factsFrom(domains, null, now)
  const setting = {
    ...configuration,
    verifiedDomains: verifiedDomains(facts),
    outcomes,
    accounts: found,
    recycleBin: bodiesIn(inBin),
    holders: await readPreviewHolders(reading.database, reading.key, graphIds),
    taken: new Map<string, string>(),
    rivals: new Map<string, string>(),
    gone: new Set<string>(),
  }
  const known = await withDomainsReadAgain(reading, setting, subjects, facts)
  return withPrivileges(reading, known, subjects)
}

/** As a round does it for users who are due, as those of a preview will be. */
async function withDomainsReadAgain(
  reading: Reading,
  setting: Setting,
  subjects: readonly Subject[],
  facts: DomainFacts | null,
): Promise<Setting> {
  const plans = subjects.flatMap((subject) => planFor(setting, subject) ?? [])
  const isAsked = plans.some((plan) => dependsOnDomains(facts, plan))
  if (!isAsked || !isLookDue(facts, true, reading.now)) return setting
  const answers = await readOutcomes(reading, new Map([[DOMAINS, listDomains()]]))
  const answer = answers.get(DOMAINS)
  if (answer === undefined) return setting
  return { ...setting, verifiedDomains: verifiedDomains(factsFrom(answer, facts, reading.now)) }
}

/** Accounts that are bound or were imported by their ids, others by the names under which users would be created; and deleted ones. */
const requestsFor = (
  configuration: Configuration,
  subjects: readonly Subject[],
): ReadonlyMap<string, GraphRequest> =>
  new Map(
    subjects.flatMap((subject) => {
      const { user, binding, importedFrom, deleted } = subject
      const name = binding?.graphId ?? importedFrom ?? nameToCreate(configuration, subject)
      const account = name === null ? undefined : getUserWithManager(name, SELECT)
      const inBin = deleted && getDeleted(deleted.graphId, USER_SELECT)
      return [
        ...(account === undefined ? [] : [[user.id, account] as const]),
        ...(inBin === undefined ? [] : [[`${DELETED}${user.id}`, inBin] as const]),
      ]
    }),
  )

/** Takes out what became of reading deleted accounts, by the ids of the users. */
function takeDeleted(outcomes: Map<string, Outcome>): ReadonlyMap<string, Outcome> {
  const taken = new Map<string, Outcome>()
  for (const [id, outcome] of outcomes) {
    if (!id.startsWith(DELETED)) continue
    taken.set(id.slice(DELETED.length), outcome)
    outcomes.delete(id)
  }
  return taken
}

const bodiesIn = (outcomes: ReadonlyMap<string, Outcome>): ReadonlyMap<string, JsonObject> =>
  new Map(
    [...outcomes].flatMap(([id, outcome]) =>
      outcome.kind === 'done' && isJsonObject(outcome.body) ? [[id, outcome.body] as const] : [],
    ),
  )

const managersIn = (outcomes: Iterable<Outcome>): readonly string[] =>
  [...outcomes].flatMap((outcome) => {
    const body = outcome.kind === 'done' && isJsonObject(outcome.body) ? outcome.body : {}
    return managerIn(body['manager']) ?? []
  })
