/** What the routes of directories answer, as schemas: the OpenAPI document is made of them. */
import * as v from 'valibot'

import { BINDING_STATES } from '../db/binding-store.ts'
import { listOf, objectShape, timeShape } from '../http/describe-api.ts'
import { directorySettingsSchema } from '../plan/settings.ts'

export const direction = v.picklist(['export', 'import', 'exclude'])

export const directoryShape = v.strictObject({
  id: v.string(),
  name: v.string(),
  tenantId: v.string(),
  clientId: v.string(),
  state: v.pipe(
    v.picklist(['active', 'paused', 'auth_error']),
    v.description(
      '`active`: what is owed is sent. `paused`: an administrator stopped it. `auth_error`: its credential was refused, `stateReason` says why and what to do; a new credential, or a test that works, lets it go on.',
    ),
  ),
  stateReason: v.nullable(v.string()),
  credential: v.looseObject({
    type: v.picklist(['client_secret', 'certificate', 'federated']),
    expiresAt: v.nullable(timeShape),
  }),
  settings: directorySettingsSchema,
  createdAt: timeShape,
  modifiedAt: timeShape,
})

export const attributeShape = v.strictObject({
  attribute: v.string(),
  label: v.string(),
  graph: v.string(),
  graphLabel: v.string(),
  direction,
  directions: v.array(direction),
  locked: v.boolean(),
})

const troubleShape = v.looseObject({ code: v.string(), message: v.string(), whatToDo: v.string() })

export const connectionShape = v.strictObject({
  ok: v.boolean(),
  token: v.looseObject({ ok: v.boolean() }),
  permissions: v.strictObject({ granted: v.array(v.string()), missing: v.array(objectShape) }),
  domains: v.array(objectShape),
  problems: v.array(troubleShape),
  state: v.pipe(
    directoryShape.entries.state,
    v.description(
      'That of the directory after the test: a refused credential stops it, and it goes on when the connection works again.',
    ),
  ),
  stateReason: v.nullable(v.string()),
})

const described = (text: string) => v.pipe(v.number(), v.description(text))

export const statusShape = v.looseObject({
  state: directoryShape.entries.state,
  stateReason: v.nullable(v.string()),
  owed: described(
    'Users and groups with something still to send, what the log tells of them included; 0 when all is carried out, failed or held.',
  ),
  inFlight: described('Writes that Microsoft 365 is being asked for just now.'),
  failed: described(
    'What the list of failures holds, what was rejected among it: it is not tried again by itself.',
  ),
  rejected: described('How many of the failed ones an administrator rejected: those are answered.'),
  held: described(
    'What waits for an administrator: more disables and deletions than the threshold lets through, or an account that has the name already. `held/approve` and `held/reject` answer.',
  ),
  bound: described('Users and groups that are bound.'),
  writesPerSecond: described(
    "How fast it goes at most: the narrowest of Microsoft's quotas, at the setting `writeQuotaPercent`.",
  ),
  blockedUntil: v.pipe(
    v.nullable(timeShape),
    v.description('Microsoft 365 asked to send nothing before; null when it lets us.'),
  ),
  estimatedFinish: v.pipe(
    v.nullable(timeShape),
    v.description(
      'When what is owed is sent at that pace, from when the first of it may be tried; null when nothing is, or it is not active.',
    ),
  ),
  lastDrain: v.pipe(
    v.nullable(objectShape),
    v.description('When it was exported to last (`at`), and by how many `writes`.'),
  ),
  lastError: v.pipe(
    v.nullable(objectShape),
    v.description(
      'The last failure: when, of whom, why and what to do. It stays until another one.',
    ),
  ),
})

const BINDING_STATE_MEANINGS: Readonly<Record<(typeof BINDING_STATES)[number], string>> = {
  pending: 'bound, and nothing was sent yet',
  synced: 'Microsoft 365 holds what it should',
  owed: 'something is still to be sent, or sent again',
  failed: 'refused for good: `error` says why and what to do',
  held: 'waits for an administrator: the threshold, or a conflict',
  unbinding: 'its end is still to be carried out',
  former: 'carried out to its end; listed only when asked for',
}

const nameOf = (what: string) =>
  v.pipe(
    v.nullable(v.string()),
    v.description(`${what}; null where there is none, or none any more.`),
  )

export const bindingShape = v.looseObject({
  id: v.string(),
  directoryId: v.string(),
  kind: v.picklist(['user', 'group']),
  userId: v.nullable(v.string()),
  groupId: v.nullable(v.string()),
  userName: nameOf(
    'Of the user; of one that was deleted here the userPrincipalName that its account was given',
  ),
  groupName: nameOf(
    'The `displayName` of the group; of one that was deleted here the one that Microsoft 365 was told',
  ),
  graphId: v.pipe(v.nullable(v.string()), v.description('The id of its object in Microsoft 365.')),
  state: v.pipe(
    v.picklist(BINDING_STATES),
    v.description(
      BINDING_STATES.map((state) => `- \`${state}\`: ${BINDING_STATE_MEANINGS[state]}`).join('\n'),
    ),
  ),
  reason: v.pipe(
    v.picklist(['manual', 'all', 'groups']),
    v.description(
      'Why it exists: an administrator bound it, everybody is bound, or a group that it is in.',
    ),
  ),
  exportedAt: v.nullable(timeShape),
  dueAt: v.pipe(
    v.nullable(timeShape),
    v.description(
      'When it is tried next; null when nothing is owed, or nothing is tried any more.',
    ),
  ),
  attempts: v.pipe(v.number(), v.description('How often it was tried since it last worked.')),
  error: v.nullable(objectShape),
})

export const jobShape = v.strictObject({
  id: v.string(),
  type: v.picklist(['bind', 'unbind', 'export', 'replay', 'approve', 'reject', 'import', 'undo']),
  directoryId: v.string(),
  state: v.picklist(['running', 'done', 'failed']),
  done: v.number(),
  total: v.pipe(v.number(), v.description('As far as is known while it runs.')),
  errors: v.array(objectShape),
  waiting: v.pipe(
    v.nullable(
      v.strictObject({
        state: v.pipe(
          v.picklist(['paused', 'auth_error', 'put_off']),
          v.description('That of the directory; or `put_off`: all that is left is tried later.'),
        ),
        reason: v.string(),
        whatToDo: v.string(),
        until: v.pipe(
          v.optional(timeShape),
          v.description('When the first of what is put off is tried.'),
        ),
      }),
    ),
    v.description('Why it does not go on; null when it does, or is over.'),
  ),
  createdAt: timeShape,
})

const changeShape = v.strictObject({
  attribute: v.string(),
  graph: v.string(),
  current: v.pipe(
    v.unknown(),
    v.description(
      'What Microsoft 365 holds, and would lose; null also where it does not tell, as the manager of a deleted account.',
    ),
  ),
  next: v.pipe(
    v.unknown(),
    v.description(
      'What would be sent; null clears it. A manager by the Graph id of the account; one whose account is still to be created, by our id of the user.',
    ),
  ),
})

export const previewedShape = v.strictObject({
  userId: v.string(),
  userName: nameOf('Of the user'),
  graphId: v.nullable(v.string()),
  action: v.pipe(
    v.picklist(['create', 'update', 'none', 'conflict']),
    v.description(
      'An account that comes back from the recycle bin of Microsoft 365 is an `update` with the problem `restored_from_recycle_bin`; one that would be held, or of which Microsoft 365 would refuse everything, is a `conflict`.',
    ),
  ),
  changes: v.array(changeShape),
  refused: v.pipe(
    v.array(changeShape),
    v.description(
      'What would be changed too, but for what Microsoft 365 refuses: that, and what is not sent because of it. The `problems` say why.',
    ),
  ),
  imports: v.pipe(
    v.array(
      v.strictObject({
        attribute: v.string(),
        graph: v.string(),
        ours: v.pipe(v.nullable(v.string()), v.description('The value here; a manager by our id.')),
        theirs: v.string(),
      }),
    ),
    v.description(
      'Values here that would give way to those of Microsoft 365, where the direction is import. Nothing is sent for them.',
    ),
  ),
  ifApproved: v.pipe(
    v.array(changeShape),
    v.description(
      'Of an account that would be held: what would be changed of it once that is approved.',
    ),
  ),
  problems: v.pipe(
    v.array(objectShape),
    v.description(
      'What an administrator should know: code, message and whatToDo of each. `possible_match` tells of accounts that may be the person’s already, though the action is `create`.',
    ),
  ),
})

export const previewShape = v.strictObject({
  sequence: v.pipe(v.number(), v.description('To be sent as atSequence by what follows.')),
  ...listOf(previewedShape).entries,
})
