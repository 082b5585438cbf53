/** `/events` of the admin API, described. */
import * as v from 'valibot'

import { EVENT_TYPES, type EventType } from '../db/event-log.ts'
import { type ApiRoom, listOf, objectShape, timeShape } from '../http/describe-api.ts'
import { eventsQuery, exportQuery, resourceEventsQuery } from './query.ts'

const nullableText = v.nullable(v.string())

const MEANINGS: Readonly<Record<EventType, string>> = {
  user_create: 'a user was made, by a source or an administrator',
  user_update: 'attributes of a user changed',
  user_suspend: 'a user was suspended',
  user_activate: 'a suspension ended',
  user_password: 'a password arrived; it is told nowhere',
  user_delete: 'a user was removed',
  user_import: 'an import made a user of an account in Microsoft 365',
  group_create: 'a group was made',
  group_update: 'a group was renamed, or its members changed',
  group_delete: 'a group was removed',
  binding_create: 'users or groups were bound to a directory',
  binding_delete: 'users or groups were unbound',
  binding_held: 'something waits for an administrator: the threshold, or a conflict',
  export_success:
    'Microsoft 365 took a change; a password is told by its name alone, a deletion as `deleted`',
  export_failure: 'Microsoft 365 refused a change, and why',
  export_requested: 'everything, or some users, is to be sent again',
  replay_requested: 'failures are to be tried again',
  held_approve: 'what was held may be carried out',
  held_reject: 'what was held stays undone',
  undo: 'a direction or a bind was undone',
  drift_found: 'Microsoft 365 holds something else than was exported',
  reconciliation_request: 'an administrator started a reconciliation',
  reconciliation_held:
    'a reconciliation would disable or delete more than the threshold lets through',
  reconciliation_approve: 'a held reconciliation may put Microsoft 365 right',
  reconciliation_reject: 'a held reconciliation was ended',
  password_expired: 'a password was not delivered within 24 hours, and is forgotten',
  directory_create: 'a tenant was connected',
  directory_update: 'a directory, its settings or its credential changed',
  directory_delete: 'a tenant was disconnected',
  integrationattribute_include: 'an attribute is exported or imported from now on',
  integrationattribute_exclude: 'an attribute is neither exported nor imported any more',
  source_create: 'a source was added',
  source_update: 'a source changed',
  source_delete: 'a source was removed',
  organization_create: 'the organization was made',
  organization_update: 'the organization changed',
  admin_create: 'an administrator was added',
  admin_update: 'an administrator changed',
  admin_delete: 'an administrator was removed',
  credential_create: 'a key, or a credential of a source, was made',
  credential_revoke: 'a key, or a credential of a source, was revoked',
  credential_expiring: 'a credential ends soon: told 30 days, 7 days and a day ahead',
  auth_failure: 'a credential was refused: ours in Microsoft 365, or one that was used here',
}
const TYPES = EVENT_TYPES.map((type) => `- \`${type}\`: ${MEANINGS[type]}`).join('\n')

/** An event as it is listed. */
const eventShape = v.strictObject({
  id: v.string(),
  sequence: v.pipe(v.number(), v.description('Its place in the log of the organization.')),
  time: timeShape,
  type: v.pipe(v.string(), v.description(TYPES)),
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
      from: v.pipe(
        v.optional(v.unknown()),
        v.description('Absent where nobody knows what was there.'),
      ),
      to: v.optional(v.unknown()),
    }),
  ),
  changeCount: v.optional(
    v.pipe(v.number(), v.description('How many changes there were, where they are too many.')),
  ),
  details: v.pipe(
    objectShape,
    v.description('Where the event began a job, or is of one, `jobId` names it: GET /jobs/{id}.'),
  ),
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
