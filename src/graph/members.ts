/** All members that Microsoft 365 tells of a group, page after page. */
import type { Json } from '../kernel/json.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { type GraphRequest, listMembers } from '../plan/requests.ts'
import { followLink } from './delta.ts'
import { readMemberPage } from './member-page.ts'
import { classifyAnswer, type Outcome } from './outcome.ts'
import type { Transport } from './transport.ts'

/** Graph ids. */
export type MemberIds = ReadonlySet<string>

/** Why the members are not known; undefined when an answer was not understood, or nothing more may be asked. */
export type Unread = Outcome | undefined

/** Asked before each page: does the lease outlast its timeout? */
type MayAsk = () => Promise<boolean>

/** Asks for the members of a group. */
export async function readMembers(
  transport: Transport,
  groupGraphId: string,
  mayAsk: MayAsk,
): Promise<Result<MemberIds, Unread>> {
  const first = await ask(transport, listMembers(groupGraphId), mayAsk)
  return first.ok ? readFurtherMembers(transport, first.value, mayAsk) : first
}

/** The members on a page that was read already, and on those behind it. */
export async function readFurtherMembers(
  transport: Transport,
  first: Json | undefined,
  mayAsk: MayAsk = async () => true,
): Promise<Result<MemberIds, Unread>> {
  const members = new Set<string>()
  for (let body = first; ;) {
    const page = readMemberPage(body)
    if (page === undefined) return err(undefined)
    for (const id of page.ids) members.add(id)
    if (page.nextLink === null) return ok(members)
    const next = await ask(transport, followLink(page.nextLink), mayAsk)
    if (!next.ok) return next
    body = next.value
  }
}

async function ask(
  transport: Transport,
  request: GraphRequest,
  mayAsk: MayAsk,
): Promise<Result<Json | undefined, Unread>> {
  if (!(await mayAsk())) return err(undefined)
  const outcome = classifyAnswer(await transport.send(request), { purpose: 'read', request })
  return outcome.kind === 'done' ? ok(outcome.body) : err(outcome)
}
