/**
 * Managers whose accounts somebody deleted in Microsoft 365, of which nobody here knows yet: whoever would be linked to one of them is
 * looked at together with that one. Reads only.
 */
import { REPLICATION_SECONDS } from '../graph/outcome-match.ts'
import { ok, type Result } from '../kernel/result.ts'
import { getUser } from '../plan/requests.ts'
import { lookFor } from './preview-plan.ts'
import { readAll, type Reading, type ReadingFault } from './preview-reading.ts'
import { linkIn } from './preview-refusals.ts'
import type { Setting, Subject } from './preview-subject.ts'

/**
 * Adds those of them who are not there: each is asked for once, unless it was read already. `managers`: those who are exported as well, of
 * whom one who comes back from the recycle bin is there by then.
 */
export async function withGoneManagers(
  reading: Reading,
  setting: Setting,
  subjects: readonly Subject[],
  managers: readonly Subject[],
): Promise<Result<Setting, ReadingFault>> {
  const linked = new Set(subjects.flatMap((subject) => newManagers(setting, subject)))
  const all = [...subjects, ...managers]
  const coming = all.flatMap(({ deleted }) => deleted?.graphId ?? [])
  const there = [...setting.accounts.values()].map(({ id }) => id)
  for (const id of [...coming, ...there, ...youngAccounts(setting, reading.now)]) linked.delete(id)
  const missed = new Set(all.flatMap((subject) => missedAccount(setting, subject)))
  const unread = [...linked].filter((id) => !missed.has(id))
  const read = await readAll(reading, new Map(unread.map((id) => [id, getUser(id, ['id'])])))
  if (!read.ok) return read
  for (const [id, { kind }] of read.value) if (kind === 'missing') missed.add(id)
  return ok({ ...setting, gone: new Set([...linked].filter((id) => missed.has(id))) })
}

const missedAccount = ({ outcomes }: Setting, { user, binding }: Subject): readonly string[] =>
  binding?.graphId && outcomes.get(user.id)?.kind === 'missing' ? [binding.graphId] : []

/** The Graph ids of managers whom the account does not have yet: of those who have no account yet there is none. */
function newManagers(setting: Setting, subject: Subject): readonly string[] {
  const look = subject.isCalled ? lookFor(setting, subject) : undefined
  if (look === undefined) return []
  return look.plan.writes
    .flatMap((write) => linkIn(write) ?? [])
    .filter((id) => id !== look.seen.manager && !id.startsWith('usr_'))
}

/** A replica may not know them yet: an export tries the link until every one does. */
const youngAccounts = ({ managers }: Setting, now: number): readonly string[] =>
  [...managers.values()].flatMap(({ graphId, exportedAt }) =>
    (exportedAt ?? 0) + REPLICATION_SECONDS * 1000 > now ? graphId : [],
  )
