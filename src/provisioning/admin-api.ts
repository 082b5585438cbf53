/** `/users` and `/groups` of the admin API, described. */
import * as v from 'valibot'

import { USER_STATUSES } from '../db/admin-reader.ts'
import { type ApiRoom, listOf, objectShape, timeShape } from '../http/describe-api.ts'
import { pageParameters } from '../http/parse-request.ts'
import { groupPatchSchema } from './admin-groups.ts'
import { userPatchSchema } from './admin-users.ts'

const MAX_SEARCH = 200
const SEARCH = `must have ${MAX_SEARCH} characters at most`
const STATUS = `must be one of: ${USER_STATUSES.join(', ')}`

/** Each user has one: the first of these that applies. */
const STATUS_MEANINGS: Readonly<Record<(typeof USER_STATUSES)[number], string>> = {
  suspended: 'disabled by the source or an administrator',
  password_expired: 'set and taken back by an administrator',
  password_pending:
    'may sign in, but no password has arrived here yet; so is everybody whose source sends none, as Entra ID does by default',
  active: 'may sign in, with a password that arrived here',
}
const STATUSES = Object.entries(STATUS_MEANINGS)
  .map(([status, meaning]) => `- \`${status}\`: ${meaning}`)
  .join('\n')

const q = v.optional(
  v.pipe(
    v.string(SEARCH),
    v.trim(),
    v.maxLength(MAX_SEARCH, SEARCH),
    v.description('A part of a name or address, in any case.'),
  ),
)

/** What groups are searched by. */
export const groupsQuery = v.object({ ...pageParameters, q })

/** What users are searched by; an empty parameter asks for nothing. */
export const usersQuery = v.object({
  ...pageParameters,
  q,
  status: v.optional(v.pipe(v.picklist([...USER_STATUSES, ''], STATUS), v.description(STATUSES))),
})

const text = v.nullable(v.string())

const common = {
  id: v.string(),
  externalId: v.optional(text),
  sourceId: v.optional(text),
  bindings: v.array(objectShape),
  version: v.number(),
  createdAt: timeShape,
  modifiedAt: timeShape,
}

const userShape = v.pipe(
  v.looseObject({
    ...common,
    username: v.string(),
    email: text,
    firstname: text,
    lastname: text,
    displayname: text,
    manager: text,
    status: v.pipe(v.picklist(USER_STATUSES), v.description(STATUSES)),
    suspended: v.boolean(),
    passwordExpired: v.boolean(),
    imported: v.pipe(
      v.record(v.string(), v.unknown()),
      v.description('Values that Microsoft 365 owns, by attribute, each with its directory.'),
    ),
    groups: v.array(objectShape),
  }),
  v.description('Every attribute of a directory is a member, null where there is no value.'),
)

const groupShape = v.looseObject({ ...common, displayName: v.string(), memberCount: v.number() })
const wholeGroupShape = v.looseObject({
  ...groupShape.entries,
  members: v.pipe(v.array(objectShape), v.description('The first thousand.')),
})

export const adminApi: ApiRoom = {
  shapes: { User: userShape, Group: groupShape },
  routes: {
    'GET /users': {
      summary: 'Search users',
      details: 'A page may be shorter than asked, even empty, and still have a successor.',
      query: usersQuery,
      answer: listOf(userShape),
    },
    'GET /users/:id': { summary: 'Read a user', answer: userShape },
    'PATCH /users/:id': {
      summary: 'Change a user',
      details:
        'What is left out stays, null takes a value away. The change is the same as one over SCIM, and a later one over SCIM may undo it. `displayname` is what is shown of a user without first and last name.',
      body: userPatchSchema,
      answer: userShape,
      conflict: 'A name is taken, or a directory imports the attribute.',
    },
    'DELETE /users/:id': {
      summary: 'Remove a user',
      details: 'What becomes of the account is said by `onDelete` of each directory.',
    },
    'GET /groups': {
      summary: 'Search groups',
      details: 'A page may be shorter than asked, even empty, and still have a successor.',
      query: groupsQuery,
      answer: listOf(groupShape),
    },
    'GET /groups/:id': { summary: 'Read a group with its members', answer: wholeGroupShape },
    'PATCH /groups/:id': {
      summary: 'Change a group',
      details: 'Members are added and removed by id; the others stay.',
      body: groupPatchSchema,
      answer: wholeGroupShape,
      conflict: 'A name is taken.',
    },
    'DELETE /groups/:id': {
      summary: 'Remove a group',
      details:
        'Its members stay. What becomes of the group there is said by `onGroupDelete` of each directory.',
    },
  },
}
