/** What an administrator was asked about and rejected: it is answered, and stays as it is until somebody wants it otherwise. */
import { type SQL, sql } from 'drizzle-orm'

import type { JsonObject } from '../kernel/json.ts'

const CODES = ['removal_rejected', 'adoption_rejected'] as const

/** The codes of the errors with which bindings tell it. */
export type RejectionCode = (typeof CODES)[number]

/** Whether the error of a binding tells it. */
export const isRejection = (error: JsonObject | null): boolean =>
  CODES.some((code) => error?.['code'] === code)

/** The same of a row of `binding`. */
export const IS_REJECTED: SQL = sql`coalesce(error ->> 'code', '') IN (SELECT value FROM json_each(${JSON.stringify(CODES)}))`
