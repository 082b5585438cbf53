/**
 * Which domains the tenant has verified: asked for when a user wants a name in a domain of which that is not known, and kept in
 * the directory's row. So a domain that is not verified costs one look and makes one message, not a refusal per user. While
 * users wait for one, the domains are read again every five minutes, and at once for a replay.
 */
import { storeDomains } from '../db/domain-store.ts'
import type { DirectoryRow, LeaseKey } from '../db/lease.ts'
import { sendBatch } from '../graph/batch.ts'
import { classifyAnswer, type Outcome } from '../graph/outcome.ts'
import type { Transport } from '../graph/transport.ts'
import { type DomainFacts, readDomainFacts } from '../plan/domain-facts.ts'
import type { Problem } from '../plan/problem.ts'
import { listDomains } from '../plan/requests.ts'
import type { ExportPorts, Round } from './context.ts'
import { dependsOnDomains, factsFrom, isLookDue, RECHECK_MS } from './domain-facts.ts'
import { sendWave } from './sending.ts'
import { planWork, type UserWork } from './user-work.ts'

/** More are not kept track of one by one. */
const MOST_MISSING = 100

const READ = { purpose: 'read', request: listDomains() } as const

/** Reads the domains when the plans of these users depend on it, and plans those users again. */
export async function checkDomains(round: Round, works: readonly UserWork[]): Promise<void> {
  const asking = works.filter(({ plan }) => dependsOnDomains(round.domains, plan))
  const isAnyDue = asking.some(({ draft }) => draft.target.due)
  if (asking.length === 0 || !isLookDue(round.domains, isAnyDue, round.ports.clock.now())) return
  const outcomes = await sendWave(round, [{ id: 'domains', context: READ }])
  const outcome = outcomes.get('domains')
  if (outcome === undefined) return
  round.domains = factsFrom(outcome, round.domains, round.ports.clock.now())
  for (const work of asking) {
    work.plan = planWork(round, work)
    work.queue = [...work.plan.writes]
  }
}

/** The first user that a domain keeps out makes the one event about it. */
export function noteMissingDomain(round: Round, { domain, ...error }: Problem): void {
  const facts = round.domains
  if (domain === undefined || facts === null) return
  if (facts.missing.includes(domain) || facts.missing.length >= MOST_MISSING) return
  round.domains = { ...facts, missing: [...facts.missing, domain] }
  const { directoryId } = round.key
  round.events.push({
    class: 'record',
    type: 'export_failure',
    time: round.ports.clock.now(),
    target: { type: 'directory', id: directoryId },
    directoryId,
    outcome: 'failure',
    actor: { type: 'system', id: null },
    details: { error: { ...error, domain } },
  })
}

/** What a round learned about the domains; undefined when nothing. */
export function domainChange({ domains, directory }: Round): Change | undefined {
  const before = readDomainFacts(directory.domains)
  if (JSON.stringify(domains) === JSON.stringify(before)) return undefined
  return changeFrom(before, domains)
}

type Change = Parameters<typeof storeDomains>[2]

function changeFrom(before: DomainFacts | null, facts: DomainFacts | null): Change {
  const verified = facts?.verified ?? []
  const isAwaitedVerified = (before?.missing ?? []).some((domain) => verified.includes(domain))
  return { facts: facts === null ? null : { ...facts }, isAwaitedVerified }
}

/** Without anything else to do: reads the domains again when users wait for one. True when some of them are due now. */
export async function recheckDomains(
  { database, clock }: ExportPorts,
  key: LeaseKey,
  transport: Transport,
  directory: DirectoryRow,
): Promise<boolean> {
  const before = readDomainFacts(directory.domains)
  if (before === null || before.missing.length === 0) return false
  if (clock.now() - before.at < RECHECK_MS) return false
  const answers = await sendBatch(transport, [{ id: 'domains', request: READ.request }])
  const answer = answers.get('domains')
  if (answer === undefined) return false
  const facts = factsFrom(classifyAnswer(answer, READ), before, clock.now())
  const change = changeFrom(before, facts)
  await storeDomains(database, key, change, clock.now())
  return change.isAwaitedVerified
}

/** Graph knows better: the domains are read again before the next name is sent. */
export function noteRefusedDomain(round: Round, outcome: Outcome): void {
  if (outcome.kind === 'permanent' && outcome.code === 'domain_not_verified') round.domains = null
}
