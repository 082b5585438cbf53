/** Reconciliation in the admin API, described. */
import * as v from 'valibot'

import { type ApiRoom, listOf, objectShape, timeShape } from '../http/describe-api.ts'
import { pageSchema, wordField } from '../http/parse-request.ts'
import { ACTIONS } from './shape.ts'

const mode = v.picklist(['report', 'enforce'])

export const newRunSchema = v.strictObject({
  mode: v.optional(wordField(['report', 'enforce']), 'report'),
})

const reconciliationShape = v.strictObject({
  id: v.string(),
  directoryId: v.string(),
  mode,
  state: v.picklist(['running', 'held', 'done', 'rejected', 'failed']),
  onDemand: v.boolean(),
  counts: v.strictObject({
    read: v.pipe(v.number(), v.description('Users that Microsoft 365 told of.')),
    groups: v.pipe(
      v.number(),
      v.description(
        'Groups whose name and members were compared: all in a run that compares everybody, else those that changed otherwise than by us.',
      ),
    ),
    drift: v.number(),
    corrected: v.pipe(v.number(), v.description('Values that the export sends again.')),
    imported: v.number(),
    unbound: v.pipe(
      v.number(),
      v.description(
        'Users in Microsoft 365 that nobody here is bound to, or was: the import candidates name them.',
      ),
    ),
    deleted: v.pipe(
      v.number(),
      v.description('Accounts that were deleted, or have come back, and groups that are gone.'),
    ),
  }),
  error: v.nullable(objectShape),
  startedAt: timeShape,
  endedAt: v.nullable(timeShape),
})

const driftShape = v.strictObject({
  userId: v.pipe(
    v.nullable(v.string()),
    v.description(
      'The user, or the group that is a member; null where a group itself is otherwise.',
    ),
  ),
  groupId: v.pipe(
    v.optional(v.string()),
    v.description('The group, where it is about one or about a membership.'),
  ),
  userName: v.pipe(
    v.nullable(v.string()),
    v.description('Of the user; null where there is none, or none any more.'),
  ),
  groupName: v.pipe(
    v.optional(v.nullable(v.string())),
    v.description('The `displayName` of that group.'),
  ),
  graphId: v.string(),
  attribute: v.pipe(
    v.string(),
    v.description(
      'An attribute, accountEnabled, deleted (the account itself), members (whether userId is a member of groupId), or displayName of a group. Of an account that has come back also what is owed to it: account (it is to be deleted) and password (a new one, of which nothing is told) among that.',
    ),
  ),
  direction: v.picklist(['export', 'import']),
  ours: v.unknown(),
  theirs: v.unknown(),
  action: v.picklist(ACTIONS),
})

export const reconcileApi: ApiRoom = {
  shapes: { Reconciliation: reconciliationShape, Drift: driftShape },
  routes: {
    'GET /directories/:id/reconciliations': {
      summary: 'List reconciliations, newest first',
      query: pageSchema,
      answer: listOf(reconciliationShape),
    },
    'POST /directories/:id/reconciliations': {
      summary: 'Compare everybody with Microsoft 365 now',
      details:
        'Users, and bound groups with their members. The mode report writes nothing to Microsoft 365; enforce puts exported values and memberships back. Members that nobody here is bound to are left alone.',
      body: newRunSchema,
      isBodyOptional: true,
      answer: reconciliationShape,
      status: 202,
      conflict: 'The directory is paused, or a reconciliation is under way.',
    },
    'GET /reconciliations/:id': { summary: 'Read a reconciliation', answer: reconciliationShape },
    'GET /reconciliations/:id/drift': {
      summary: 'List what a reconciliation found',
      query: pageSchema,
      answer: listOf(driftShape),
    },
    'POST /reconciliations/:id/approve': {
      summary: 'Approve a reconciliation that the threshold holds',
      answer: reconciliationShape,
      status: 202,
      conflict: 'It is not held, another one is under way, or the directory is paused.',
    },
    'POST /reconciliations/:id/reject': {
      summary: 'Reject a reconciliation that the threshold holds',
      answer: reconciliationShape,
      conflict: 'It is not held.',
    },
  },
}
