/** Before an account that was there before is adopted: it must not be a privileged one. */
import type { Outcome } from '../graph/outcome.ts'
import { listMemberships } from '../plan/requests.ts'
import { type Account, isPrivilegedBy } from './adoption.ts'
import type { Round } from './context.ts'
import type { Draft } from './draft.ts'
import { sendWave, type WaveItem } from './sending.ts'

/**
 * Reads the roles and groups of these users' accounts and notes the privileged ones in `seen`. A question that Graph does not
 * let us ask stays open: then Graph itself refuses every sensitive change. One that was not answered puts the user off.
 */
export async function lookForPrivileges(
  round: Round,
  drafts: readonly Draft[],
  seen: Map<string, Account>,
  outcomes: Map<string, Outcome>,
): Promise<void> {
  if (drafts.length === 0) return
  const items = drafts.map(({ target }): WaveItem => {
    const request = listMemberships(seen.get(target.id)?.id ?? '')
    return { id: target.id, context: { purpose: 'read', request } }
  })
  const answers = await sendWave(round, items)
  for (const [id, outcome] of answers) {
    const account = seen.get(id)
    if (outcome.kind === 'done' && account !== undefined)
      seen.set(id, { ...account, isPrivileged: isPrivilegedBy(outcome.body) })
    else if (!isRefused(outcome)) {
      seen.delete(id)
      outcomes.set(id, outcome)
    }
  }
}

/** The account was seen just now: what is not found is the list, not the account. */
function isRefused(outcome: Outcome): boolean {
  if (outcome.kind === 'authError') return outcome.scope === 'operation'
  if (outcome.kind === 'retry') return outcome.reason === 'not_found_unclear'
  return outcome.kind === 'permanent' || outcome.kind === 'missing'
}
