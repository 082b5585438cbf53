/** Reads accounts that may be imported, and the tenant's verified domains in the same envelope. */
import { type InnerAnswers, MOST_PER_ENVELOPE, sendBatch } from '../graph/batch.ts'
import { classifyAnswer, type Outcome } from '../graph/outcome.ts'
import type { Transport } from '../graph/transport.ts'
import { readUserPage } from '../graph/user-page.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { type Candidate, CANDIDATE_SELECT, readCandidate } from '../plan/candidate.ts'
import { getUser, type GraphRequest, listDomains, listUsers } from '../plan/requests.ts'
import { verifiedDomainsIn } from '../plan/verified-domain.ts'

/** Why accounts could not be read. */
export type ReadFault =
  /** Trying again is in vain until somebody does something. */
  | {
      readonly kind: 'refused'
      readonly code: string
      readonly message: string
      readonly whatToDo: string
    }
  /** Only what is no throttling counts as a try. */
  | { readonly kind: 'later'; readonly afterSeconds: number; readonly isThrottled: boolean }
  /** The place in the list is too old, or is none: the list is read from its beginning. */
  | { readonly kind: 'restart' }

interface Domains {
  /** Undefined where they cannot be read. */
  readonly verifiedDomains: ReadonlySet<string> | undefined
}

export interface AccountPage extends Domains {
  readonly candidates: readonly Candidate[]
  readonly nextToken: string | null
}

export interface Place {
  readonly top: number
  readonly startsWith: string | undefined
  readonly skipToken: string | undefined
}

const DOMAINS = 'domains'
const PAGE = 'page'
/** The domains take one place of an envelope. */
export const MOST_BY_ID = MOST_PER_ENVELOPE - 1

/** Reads one page of the tenant's users. One request to Graph. */
export async function readAccountPage(
  transport: Transport,
  place: Place,
): Promise<Result<AccountPage, ReadFault>> {
  const request = listUsers({ select: CANDIDATE_SELECT, ...place })
  const asked = await ask(transport, [[PAGE, request]])
  if (!asked.ok) return asked
  const { outcomes, verifiedDomains } = asked.value
  const outcome = outcomes.get(PAGE)
  const fault = faultOf(outcome)
  if (fault !== undefined) return err(fault)
  const page = readUserPage(outcome?.kind === 'done' ? outcome.body : undefined)
  if (page === undefined) return err(LATER)
  const candidates = page.users.flatMap((user) => readCandidate(user) ?? [])
  return ok({ candidates, nextToken: page.nextToken, verifiedDomains })
}

export interface AccountsById extends Domains {
  /** Whoever is not there is missing here too. */
  readonly candidates: ReadonlyMap<string, Candidate>
}

/** Reads accounts by their Graph ids, `MOST_BY_ID` at most. One request to Graph. */
export async function readAccountsById(
  transport: Transport,
  graphIds: readonly string[],
): Promise<Result<AccountsById, ReadFault>> {
  const requests = graphIds.map((id) => [id, getUser(id, CANDIDATE_SELECT)] as const)
  const asked = await ask(transport, requests)
  if (!asked.ok) return asked
  const { outcomes, verifiedDomains } = asked.value
  const candidates = new Map<string, Candidate>()
  for (const id of graphIds) {
    const outcome = outcomes.get(id)
    if (isAbsent(outcome)) continue
    const fault = faultOf(outcome)
    if (fault !== undefined) return err(fault)
    const found = outcome?.kind === 'done' ? readCandidate(outcome.body) : undefined
    if (found !== undefined) candidates.set(id, found)
  }
  return ok({ candidates, verifiedDomains })
}

interface Answers extends Domains {
  readonly outcomes: ReadonlyMap<string, Outcome>
}

async function ask(
  transport: Transport,
  requests: readonly (readonly [string, GraphRequest])[],
): Promise<Result<Answers, ReadFault>> {
  const items = [...requests, [DOMAINS, listDomains()] as const]
  const answers: InnerAnswers = await sendBatch(
    transport,
    items.map(([id, request]) => ({ id, request })),
  )
  const outcomes = new Map(
    items.flatMap(([id, request]) => {
      const answer = answers.get(id)
      return answer === undefined
        ? []
        : [[id, classifyAnswer(answer, { purpose: 'read', request })] as const]
    }),
  )
  const domains = outcomes.get(DOMAINS)
  if (domains?.kind === 'done')
    return ok({ outcomes, verifiedDomains: new Set(verifiedDomainsIn(domains.body)) })
  // Without the permission to read them nobody is refused for a domain; without an answer nothing is guessed.
  const fault = faultOf(domains)
  return fault?.kind === 'refused'
    ? ok({ outcomes, verifiedDomains: undefined })
    : err(fault ?? LATER)
}

/** Nobody of that id is there. */
const isAbsent = (outcome: Outcome | undefined): boolean =>
  outcome?.kind === 'missing' ||
  (outcome?.kind === 'retry' && outcome.reason === 'not_found_unclear')

const RETRY_SECONDS = 30
const NO_ANSWER: Outcome = { kind: 'unknown', reason: 'missing' }
const LATER: ReadFault = { kind: 'later', afterSeconds: RETRY_SECONDS, isThrottled: false }

function faultOf(outcome: Outcome = NO_ANSWER): ReadFault | undefined {
  if (outcome.kind === 'done') return undefined
  if (outcome.kind === 'restart') return { kind: 'restart' }
  if (outcome.kind === 'authError' || outcome.kind === 'permanent') {
    const { code, message, whatToDo } = outcome
    return { kind: 'refused', code, message, whatToDo }
  }
  if (outcome.kind === 'throttled')
    return { kind: 'later', afterSeconds: outcome.retryAfterSeconds, isThrottled: true }
  const stated = outcome.kind === 'retry' ? outcome.afterSeconds : undefined
  return { kind: 'later', afterSeconds: stated ?? RETRY_SECONDS, isThrottled: false }
}
