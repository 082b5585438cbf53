/** `/events` of the admin API, described. */
import * as v from 'valibot'

import { type ApiRoom, listOf, objectShape, timeShape } from '../http/describe-api.ts'
import { eventsQuery, exportQuery, resourceEventsQuery } from './query.ts'

const nullableText = v.nullable(v.string())

/** An event as it is listed. */
const eventShape = v.strictObject({
  id: v.string(),
  sequence: v.pipe(v.number(), v.description('Its place in the log of the organization.')),
  time: timeShape,
  type: v.string(),
  actor: v.looseObject({
    type: v.picklist(['admin', 'source', 'system', 'operator']),
    id: nullableText,
  }),
  target: v.strictObject({ type: v.string(), id: v.string() }),
  directoryId: nullableText,
  origin: v.looseObject({ ip: v.optional(v.string()), requestId: v.optional(v.string()) }),
  outcome: v.picklist(['success', 'failure']),
  changes: v.array(
    v.looseObject({
      attribute: v.string(),
      from: v.optional(v.unknown()),
      to: v.optional(v.unknown()),
    }),
  ),
  changeCount: v.optional(
    v.pipe(v.number(), v.description('How many changes there were, where they are too many.')),
  ),
  details: objectShape,
})

const eventsOf = (what: string) => ({
  summary: `List what was done to a ${what}, newest first`,
  details: 'Also of one that is removed.',
  query: resourceEventsQuery,
  answer: listOf(eventShape),
})

export const eventApi: ApiRoom = {
  shapes: { Event: eventShape },
  routes: {
    'GET /events': {
      summary: 'Search the log, newest first',
      details: 'A page may be shorter than asked, even empty, and still have a successor.',
      query: eventsQuery,
      answer: listOf(eventShape),
    },
    'GET /events/export': {
      summary: 'Download the log, newest first',
      details:
        'As one JSON object a line, or as CSV. It is read on while it is sent; an answer that breaks off is not the whole.',
      query: exportQuery,
      media: ['application/x-ndjson', 'text/csv'],
    },
    'GET /users/:id/events': eventsOf('user'),
    'GET /groups/:id/events': eventsOf('group'),
  },
}
