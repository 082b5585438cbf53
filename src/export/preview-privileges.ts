/**
 * Which bound accounts are privileged: what is sensitive of those Graph refuses to change, but for an application with a role that
 * reaches them. Looked for only where something sensitive is sent.
 */
import { reachesPrivileged } from '../graph/token-roles.ts'
import { ok, type Result } from '../kernel/result.ts'
import { listMemberships } from '../plan/requests.ts'
import { isSensitiveWrite } from '../plan/sensitive.ts'
import { type Account, isPrivilegedBy } from './adoption.ts'
import { planFor } from './preview-plan.ts'
import { readAll, type Reading, type ReadingFault } from './preview-reading.ts'
import type { Setting, Subject } from './preview-subject.ts'

/** Adds what their roles and groups say; where nobody may read them, or there are too many, what is sent is told as sent. */
export async function withPrivileges(
  reading: Reading,
  setting: Setting,
  subjects: readonly Subject[],
): Promise<Result<Setting, ReadingFault>> {
  const sensitive = subjects.flatMap((subject) => accountIfSensitive(setting, subject))
  if (sensitive.length === 0) return ok(setting)
  const token = await reading.token()
  if (token.ok && reachesPrivileged(token.value)) return ok(setting)
  const requests = new Map(sensitive.map(([id, account]) => [id, listMemberships(account.id)]))
  const read = await readAll(reading, requests)
  if (!read.ok) return read
  const accounts = new Map(setting.accounts)
  for (const [id, account] of sensitive) {
    const answer = read.value.get(id)
    if (answer?.kind === 'done')
      accounts.set(id, { ...account, isPrivileged: isPrivilegedBy(answer.body) })
  }
  return ok({ ...setting, accounts })
}

/** The account of a user who is bound and is sent something sensitive, by our id. Graph writes nothing at all of one that is synchronized. */
function accountIfSensitive(setting: Setting, subject: Subject): readonly [string, Account][] {
  const { user, binding, isCalled } = subject
  const account = setting.accounts.get(user.id)
  if (!isCalled || !binding?.graphId || account === undefined || account.isSynced) return []
  const isSent = planFor(setting, subject)?.writes.some(isSensitiveWrite) === true
  return isSent ? [[user.id, account]] : []
}
