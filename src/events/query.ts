import * as v from 'valibot'

import { EVENT_TYPES } from '../db/event-log.ts'
import { type EventQuery, listEvents } from '../db/event-store.ts'
import { adminReader } from '../db/admin-reader.ts'
import type { Database } from '../db/client.ts'
import type { ListBody } from '../http/api-context.ts'
import {
  pageAsked,
  pageParameters,
  parseQuery,
  timeParameter,
  toCursor,
  wordField,
  wordsParameter,
} from '../http/parse-request.ts'
import { invalidParameter, notFound, type Problem } from '../http/problem.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { EXPORT_FORMATS } from './export.ts'
import { showEvent } from './show.ts'

const since = v.optional(v.pipe(timeParameter, v.description('Events of this time or later.')))
const until = v.optional(v.pipe(timeParameter, v.description('Events of this time or earlier.')))

/** What events are filtered by. */
const eventFilters = {
  type: v.optional(wordsParameter(EVENT_TYPES, 'What happened')),
  actor: v.optional(v.pipe(v.string(), v.description('The id of who did it.'))),
  target: v.optional(v.pipe(v.string(), v.description('The id of what it was done to.'))),
  outcome: v.optional(wordField(['success', 'failure'])),
  from: since,
  to: until,
}

export const exportQuery = v.object({
  ...eventFilters,
  format: v.optional(wordField(EXPORT_FORMATS), 'ndjson'),
})

/** The same of one resource. */
export const resourceEventsQuery = v.object({
  ...pageParameters,
  type: eventFilters.type,
  actor: eventFilters.actor,
  outcome: eventFilters.outcome,
  from: since,
  to: until,
})

export const eventsQuery = v.object({ ...pageParameters, ...eventFilters })

type Query = Readonly<Record<string, string>>

/** One page of the log, newest first, filtered by what the query names. Problem: invalid, with the parameter. */
export async function queryEvents(
  database: Database,
  organizationId: string,
  query: Query,
): Promise<Result<ListBody, Problem>> {
  const parsed = searchOf(query)
  if (!parsed.ok) return parsed
  const { items, nextBefore } = await listEvents(database, organizationId, parsed.value)
  return ok({
    items: items.map(showEvent),
    nextCursor: nextBefore === undefined ? null : toCursor(String(nextBefore)),
  })
}

/**
 * One page of what was done to a user or group, also to one that is removed. Problems: invalid, notFound for one that this
 * organization never had.
 */
export async function resourceEvents(
  database: Database,
  organizationId: string,
  { what, id }: { readonly what: 'User' | 'Group'; readonly id: string },
  query: Query,
): Promise<Result<ListBody, Problem>> {
  const found = await queryEvents(database, organizationId, { ...query, target: id })
  if (!found.ok || found.value.items.length > 0 || found.value.nextCursor !== null) return found
  const [unknown] = await adminReader(database, organizationId).unknownOf([id])
  if (unknown === undefined || (await hasEvents(database, organizationId, id))) return found
  return err(notFound(what, id))
}

async function hasEvents(database: Database, organizationId: string, id: string): Promise<boolean> {
  const { items } = await listEvents(database, organizationId, {
    ...filterOf({ target: id }),
    before: undefined,
    limit: 1,
  })
  return items.length > 0
}

function searchOf(query: Query): Result<EventQuery, Problem> {
  const parsed = parseQuery(query, eventsQuery)
  if (!parsed.ok) return parsed
  const { limit, after } = pageAsked(parsed.value)
  if (after !== undefined && !/^\d{1,15}$/.test(after))
    return err(invalidParameter('cursor', 'is the cursor of another list; leave it out to begin'))
  const before = after === undefined ? undefined : Number(after)
  return ok({ ...filterOf(parsed.value), before, limit })
}

type Filters = v.InferOutput<v.ObjectSchema<typeof eventFilters, undefined>>

/** What a query with `eventFilters` asks for; an empty parameter asks for nothing. */
export const filterOf = ({
  type: types = [],
  actor,
  target,
  outcome,
  from,
  to,
}: Filters): Omit<EventQuery, 'before' | 'limit'> => ({
  types,
  actorId: actor || undefined,
  targetId: target || undefined,
  outcome,
  from,
  to,
})
