/**
 * Who the members of a group are, where all of them are to be sent again. Twenty additions are refused together when Microsoft 365
 * has one of them already, and then cost one write each: reading them first costs none.
 */
import { type MemberIds, readMembers } from '../graph/members.ts'
import { noteHalt, type Round } from './context.ts'
import { mayStart } from './sending.ts'

/** What a drain keeps at most of them, in all, but for one group: some 20 MB. What does not fit is read anew for each page. */
const MOST_KEPT = 200_000

/**
 * The members of the group, read when its first page is compared; undefined when they cannot be told: then all are sent. What a
 * replica does not know yet is sent once more, which does no harm.
 */
export async function toldMembers(
  round: Round,
  groupGraphId: string,
  cursor: string,
): Promise<MemberIds | undefined> {
  const { told, transport } = round
  const known = cursor === '' ? undefined : told.get(groupGraphId)
  if (known !== undefined) return known
  const members = await readMembers(transport, groupGraphId, () => mayStart(round))
  if (!members.ok) {
    if (members.error !== undefined) noteHalt(round, members.error)
    return undefined
  }
  const kept = [...told.values()].reduce((sum, { size }) => sum + size, 0)
  if (kept === 0 || kept + members.value.size <= MOST_KEPT)
    told.set(groupGraphId, new Set(members.value))
  return members.value
}
