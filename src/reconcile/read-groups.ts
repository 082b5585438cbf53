/** What Microsoft 365 holds of some groups: their names and their members. */
import type { BoundGroup } from '../db/compared-groups.ts'
import { type MemberIds, readFurtherMembers, type Unread } from '../graph/members.ts'
import { classifyAnswer } from '../graph/outcome.ts'
import type { Transport } from '../graph/transport.ts'
import { sendWaves } from '../graph/waves.ts'
import { isJsonObject, type Json } from '../kernel/json.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { getGroupName, listMembers } from '../plan/requests.ts'

export interface ToldGroup {
  /** Null when nothing is said of it. */
  readonly displayName: string | null
  readonly members: MemberIds
}

/** By our id; `undefined`: there is no such group. */
export type ToldGroups = ReadonlyMap<string, ToldGroup | undefined>

/** Of so many members and more, no further group is told: they are compared in memory. */
const ENOUGH_MEMBERS = 20_000

/** Reads the groups in one envelope, and further pages of members one after another; of large groups, only the first of them. */
export async function readGroups(
  transport: Transport,
  groups: readonly BoundGroup[],
): Promise<Result<ToldGroups, Unread>> {
  const items = groups.flatMap(({ id, graphId }) => [
    { id: `${id}.name`, request: getGroupName(graphId) },
    { id: `${id}.members`, request: listMembers(graphId) },
  ])
  const answers = await sendWaves(transport, [{ items }], { inFlight: 1 })
  const outcomes = new Map(
    items.map(({ id, request }) => {
      const answer = answers.get(id) ?? ({ kind: 'unanswered', why: 'missing' } as const)
      return [id, classifyAnswer(answer, { purpose: 'read', request })]
    }),
  )
  const told = new Map<string, ToldGroup | undefined>()
  let size = 0
  for (const { id } of groups) {
    const [name, first] = [outcomes.get(`${id}.name`), outcomes.get(`${id}.members`)]
    if (name?.kind === 'missing' || first?.kind === 'missing') {
      told.set(id, undefined)
      continue
    }
    if (name?.kind !== 'done') return err(name)
    if (first?.kind !== 'done') return err(first)
    const members = await readFurtherMembers(transport, first.body)
    if (!members.ok) return members
    told.set(id, { displayName: nameIn(name.body), members: members.value })
    size += members.value.size
    if (size >= ENOUGH_MEMBERS) break
  }
  return ok(told)
}

function nameIn(body: Json | undefined): string | null {
  const name = isJsonObject(body) ? body['displayName'] : null
  return typeof name === 'string' ? name : null
}
