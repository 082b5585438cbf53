/** A running `npm run dev` as its users see it: is it there, what does it still owe, what does its Graph hold. */
import { isJsonObject, type JsonObject } from '../../src/kernel/json.ts'
import type { TenantState } from './comparison.ts'
import { DEMO } from './demo-credentials.ts'
import { answerOf, baseUrl } from './network.ts'

export interface Running {
  readonly base: string
  /** Where the emulator answers. */
  readonly graph: string
}

export const runningOn = (port: number): Running => ({
  base: baseUrl(port),
  graph: baseUrl(port + 1),
})

export type Presence = 'absent' | 'isthmus' | 'stranger'

/** Whether the demo organization answers there. */
export async function presenceOf({ base }: Running): Promise<Presence> {
  const answer = await answerOf(`${base}/scim/v2/Users?count=1`, {
    headers: { authorization: `Bearer ${DEMO.scimToken}` },
  })
  if (answer === undefined) return 'absent'
  return answer.status === 200 ? 'isthmus' : 'stranger'
}

export interface DirectoryStatus {
  readonly owed: number
  readonly failed: number
  readonly held: number
  readonly lastError: JsonObject | null
}

/** The status of the demo directory; undefined when the gateway does not tell it. */
export async function directoryStatus({ base }: Running): Promise<DirectoryStatus | undefined> {
  const answer = await answerOf(`${base}/api/v1/directories/${DEMO.directory}/status`, {
    headers: { authorization: `Bearer ${DEMO.apiKey}` },
  })
  if (answer?.status !== 200) return undefined
  const body: unknown = JSON.parse(answer.text)
  if (!isJsonObject(body) || typeof body['owed'] !== 'number') return undefined
  const count = (name: string): number => (typeof body[name] === 'number' ? body[name] : 0)
  const lastError = body['lastError']
  return {
    owed: body['owed'],
    failed: count('failed'),
    held: count('held'),
    lastError: isJsonObject(lastError) ? lastError : null,
  }
}

/** What the emulated tenant holds; undefined when there is no emulator. */
export async function tenantState({ graph }: Running): Promise<TenantState | undefined> {
  const answer = await answerOf(`${graph}/_control/state`)
  return answer?.status === 200 ? (JSON.parse(answer.text) as TenantState) : undefined
}

export interface Counters {
  readonly duplicateCreates: number
  readonly createConflicts: number
  readonly maxWritesInFlightPerObject: number
  readonly writes: number
}

export async function graphCounters({ graph }: Running): Promise<Counters | undefined> {
  const answer = await answerOf(`${graph}/_control/counters`)
  return answer?.status === 200 ? (JSON.parse(answer.text) as Counters) : undefined
}
