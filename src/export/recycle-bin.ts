/** Before a user is created: a former user's account that we deleted is kept by Microsoft 365 for 30 days, and may come back. */
import type { DeletedAccount } from '../db/deleted-accounts.ts'
import type { Outcome } from '../graph/outcome.ts'
import { backoffBase } from '../kernel/backoff.ts'
import { getDeleted } from '../plan/requests.ts'
import { formerAccountError } from './adoption.ts'
import type { Round } from './context.ts'
import { fail, owe } from './draft.ts'
import {
  type Former,
  formerAccountsOf,
  isAskedFor,
  isSamePerson,
  type Person,
  restore,
} from './former-account.ts'
import { sendWave, type WaveItem } from './sending.ts'
import { createName } from './user-waves.ts'
import type { UserWork } from './user-work.ts'

interface Return {
  readonly work: UserWork
  readonly name: string
  readonly account: DeletedAccount
}

/** Plans a restore in place of the create of whoever has an account in the recycle bin. */
export async function lookIntoRecycleBin(round: Round, works: readonly UserWork[]): Promise<void> {
  const creating = works.filter(({ plan, queue }) => plan.action === 'create' && queue.length > 0)
  const returns = waitForDeletions(round, works, creating)
  if (returns.length === 0) return
  const items = returns.map(({ work, account }): WaveItem => {
    const request = getDeleted(account.graphId)
    const ageSeconds = (round.ports.clock.now() - account.deletedAt) / 1000
    return { id: work.draft.target.id, context: { purpose: 'read', request, ageSeconds } }
  })
  const outcomes = await sendWave(round, items)
  for (const found of returns) decide(round, found, outcomes.get(found.work.draft.target.id))
}

/** Whoever wants an account that is deleted in this very round comes after the deletion; nobody else shares an account. */
function waitForDeletions(
  round: Round,
  works: readonly UserWork[],
  creating: readonly UserWork[],
): Return[] {
  const ending = works.filter(({ queue }) => queue.some(({ purpose }) => purpose === 'delete'))
  const wishes = creating.flatMap((work) => {
    const wish = { work, person: personOf(work), name: createName(work.queue[0]) ?? '' }
    const isAwaited = ending.some(({ draft: { row } }) => isAskedFor(wish, nameAndPerson(row)))
    if (isAwaited) owe(work.draft, round.ports.clock.now())
    return isAwaited ? [] : [wish]
  })
  const accounts = formerAccountsOf(wishes, round.loaded.deleted)
  return wishes.flatMap(({ work, person, name }) => {
    const account = accounts.get(person.id)
    return account === undefined ? [] : [{ work, name, account }]
  })
}

const personOf = ({ draft, user }: UserWork): Person => ({
  id: draft.target.id,
  externalId: user?.externalId ?? null,
})

const nameAndPerson = (row: UserWork['draft']['row']): Former => {
  const name = row.snapshot['email']
  return {
    resourceId: row.resourceId,
    externalId: row.externalId,
    name: typeof name === 'string' ? name : null,
  }
}

function decide(round: Round, { work, name, account }: Return, outcome: Outcome | undefined): void {
  const { draft } = work
  if (outcome === undefined || SAYS_NOTHING_YET.has(outcome.kind)) return lookAgain(round, work)
  // It is not in the recycle bin any more, or nobody may look: then Graph says whether the name is free.
  if (outcome.kind !== 'done') return
  if (isSamePerson(personOf(work), account) || draft.row.approval === 'approved')
    work.queue = [restore(account, name)]
  else {
    draft.row = { ...draft.row, creatingAs: null, creatingSince: null }
    fail(draft, formerAccountError(name, account.resourceId), 'held')
  }
}

/** What says nothing yet of the account. */
export const SAYS_NOTHING_YET: ReadonlySet<Outcome['kind']> = new Set([
  'throttled',
  'retry',
  'notReplicated',
])

function lookAgain(round: Round, { draft }: UserWork): void {
  const now = round.ports.clock.now()
  if (round.halt !== null) return owe(draft, now)
  const attempts = draft.row.attempts + 1
  draft.row = { ...draft.row, attempts }
  owe(draft, now + backoffBase(attempts) * 1000)
}
