import type { Context } from 'hono'
import { createFactory } from 'hono/factory'

import type { JsonObject } from '../kernel/json.ts'
import type { UsernamePolicy } from '../scim/username.ts'

/** Who calls: a source of an organization, by one of its credentials. */
export interface Caller {
  readonly organizationId: string
  readonly credentialId: string
  readonly source: {
    readonly id: string
    readonly name: string
    readonly usernamePolicy: UsernamePolicy
  }
}

/** What a request has cost so far. */
interface Cost {
  readonly roundTrips: number
  readonly rowsRead: number
  readonly rowsWritten: number
}

/** What middleware leaves in the context of a request. */
export interface AppEnv {
  Variables: {
    requestId: string
    /** Numbers of the client's peculiarities that were tolerated. */
    quirks: Set<number>
    caller: Caller | undefined
    cost: Cost | undefined
  }
}

/** Writes one structured line; no personal data, no secrets. */
export type Log = (entry: JsonObject) => void

export const factory = createFactory<AppEnv>()

/** The caller of a request behind `authenticate`; its absence is a route that was mounted in front of it. */
export function callerOf<E extends AppEnv>(c: Context<E>): Caller {
  const caller = c.get('caller')
  if (caller === undefined) throw new Error('a route that needs a caller has no authentication')
  return caller
}

/** Counts tolerated peculiarities of the client for the request's log line. */
export function noteQuirks<E extends AppEnv>(c: Context<E>, numbers: Iterable<number>): void {
  const quirks = c.get('quirks')
  for (const number of numbers) quirks.add(number)
}

/** The client's address, as Cloudflare tells it. */
export function clientIp(c: Context): string | undefined {
  return c.req.header('CF-Connecting-IP')
}

/** Lets `work` go on after the answer. Outside of a Worker (tests without a context) it just goes on. */
export function runAfter(c: Context, work: Promise<unknown>): void {
  try {
    c.executionCtx.waitUntil(work)
  } catch {
    // Hono throws when the app was called without an execution context.
  }
}
