/** One page of Graph's users: read, compared with the bindings of those who are bound, and where to go on. */
import { readAccounts } from '../db/compared-accounts.ts'
import { allUsers, type DeltaUser, followLink, readDeltaPage } from '../graph/delta.ts'
import { classifyAnswer } from '../graph/outcome.ts'
import { afterFailure, tryAgain } from './answers.ts'
import { collect, type Finding } from './collect.ts'
import { compareUser, type Comparison } from './compare.ts'
import type { ConnectedRun, StepResult } from './context.ts'
import { configurationOf } from './owed.ts'
import { afterPage } from './progress.ts'

/** Reads one page, and compares it with what is stored. */
export async function readPage(run: ConnectedRun): Promise<StepResult> {
  const { progress, connection, ports, counts } = run
  const request = progress.link === null ? allUsers(run.select) : followLink(progress.link)
  const outcome = classifyAnswer(await connection.transport.send(request), {
    purpose: 'read',
    request,
  })
  if (outcome.kind !== 'done') return afterFailure(run, outcome)
  const page = readDeltaPage(outcome.body)
  if (page === undefined) return tryAgain(run)
  const accounts = await readAccounts(ports.database, run.key, {
    graphIds: page.users.map(({ id }) => id),
    withImports: run.imports.length > 0,
    managerIds: run.imports.includes('manager')
      ? page.users.flatMap(({ manager }) => manager ?? [])
      : [],
    lanes: connection.lanes,
  })
  const now = ports.clock.now()
  const comparison: Comparison = {
    directoryId: run.key.directoryId,
    ...configurationOf(run),
    imports: run.imports,
    accounts,
    manner: progress.isWhole ? 'whole' : 'delta',
    now,
  }
  const present = page.users.filter(({ removed }) => removed === null)
  const unbound = present.filter(({ id }) => !accounts.bindings.has(id)).length
  return {
    ...collect(run.key, afterPage(progress, page), findingsOf(comparison, page.users), now),
    counts: {
      ...counts,
      read: counts.read + page.users.length,
      unbound: counts.unbound + unbound,
    },
    seen: progress.isWhole
      ? { page: progress.pages, graphIds: [...accounts.bindings.keys()] }
      : null,
    ...(accounts.blockedUntil > now ? { waitSeconds: (accounts.blockedUntil - now) / 1000 } : {}),
  }
}

/** Whoever was removed is asked for by id: a page may be a replay, and the account may be back. */
function findingsOf(comparison: Comparison, users: readonly DeltaUser[]): Finding[] {
  return users.flatMap((user): Finding[] => {
    const row = comparison.accounts.bindings.get(user.id)
    if (row === undefined) return []
    const who = { graphId: user.id, userId: row.resourceId }
    if (user.removed !== null)
      return [{ ...who, compared: { drift: [], imports: [], recheckAt: comparison.now } }]
    const compared = compareUser(comparison, user)
    return compared === undefined ? [] : [{ ...who, compared }]
  })
}
