/** An import as its job keeps it: what was asked, by whom, and where it stands. Pure. */
import * as v from 'valibot'

import type { JsonObject } from '../kernel/json.ts'

const requestSchema = v.object({
  /** Null: every account that can be imported. */
  graphIds: v.nullable(v.array(v.string())),
  bind: v.boolean(),
  actor: v.object({
    type: v.literal('admin'),
    id: v.string(),
    name: v.string(),
    keyId: v.string(),
  }),
  origin: v.object({ ip: v.exactOptional(v.string()), requestId: v.string() }),
})

export type ImportRequest = v.InferOutput<typeof requestSchema>

const progressSchema = v.object({
  /** So many of the named accounts were met. */
  at: v.number(),
  /** Where Graph's next page begins; null at the beginning. */
  token: v.nullable(v.string()),
  /** So often this step was tried in vain. */
  attempts: v.number(),
  /** So often the list was begun again. */
  restarts: v.number(),
})

export type ImportProgress = v.InferOutput<typeof progressSchema>

const START: ImportProgress = { at: 0, token: null, attempts: 0, restarts: 0 }

/** What the import was asked; another shape is a bug. */
export const readRequest = (stored: JsonObject | null): ImportRequest =>
  v.parse(requestSchema, stored)

/** Where it stands. */
export const readProgress = (stored: JsonObject | null): ImportProgress =>
  stored === null ? START : v.parse(progressSchema, stored)
