/** What may not wait behind thousands of creates, and how soon it went out. */
import type { Loose, ScimClient } from './seed.ts'
import type { Envelope } from './traffic.ts'

/** Does over SCIM what is urgent to a user. */
export function urgently(
  scim: ScimClient,
  act: 'disable' | 'delete' | 'password',
  userId: string,
): Promise<Loose> {
  const path = `/Users/${userId}`
  const replace = (attribute: string, value: unknown) =>
    scim.patch(path, [{ op: 'replace', path: attribute, value }])
  if (act === 'delete') return scim.delete(path)
  return act === 'disable' ? replace('active', false) : replace('password', 'Nine-Lives-77!')
}

export interface Reached {
  /** In how many waves of writes, its own included; a round has one or more. Infinite when it never went out. */
  readonly rounds: number
  readonly seconds: number
}

/** How soon after a moment a write about a Graph object went out. */
export function reachedAfter(
  envelopes: readonly Envelope[],
  moment: number,
  graphId: string,
): Reached {
  const after = envelopes.filter(({ sentAt, writes }) => sentAt >= moment && writes > 0)
  const met = after.find(({ requests }) => requests.some((request) => request.includes(graphId)))
  if (met === undefined) return { rounds: Infinity, seconds: Infinity }
  const waves = new Set(after.map(({ sentAt }) => sentAt).filter((at) => at <= met.sentAt))
  return { rounds: waves.size, seconds: (met.sentAt - moment) / 1000 }
}
