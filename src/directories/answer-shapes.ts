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
  state: v.picklist(['active', 'paused', 'auth_error']),
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

export const statusShape = v.looseObject({
  state: directoryShape.entries.state,
  stateReason: v.nullable(v.string()),
  owed: v.pipe(
    v.number(),
    v.description('Resources with something still to send; 0 when all is carried out.'),
  ),
  inFlight: v.number(),
  failed: v.pipe(
    v.number(),
    v.description('What the list of failures holds, what was rejected among it.'),
  ),
  rejected: v.pipe(
    v.number(),
    v.description('How many of the failed ones an administrator rejected: those are answered.'),
  ),
  held: v.number(),
  bound: v.number(),
  writesPerSecond: v.number(),
  blockedUntil: v.nullable(timeShape),
  estimatedFinish: v.nullable(timeShape),
  lastDrain: v.nullable(objectShape),
  lastError: v.nullable(objectShape),
})

export const bindingShape = v.looseObject({
  id: v.string(),
  directoryId: v.string(),
  kind: v.picklist(['user', 'group']),
  userId: v.nullable(v.string()),
  groupId: v.nullable(v.string()),
  graphId: v.nullable(v.string()),
  state: v.picklist(BINDING_STATES),
  exportedAt: v.nullable(timeShape),
  attempts: v.number(),
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
        state: v.picklist(['paused', 'auth_error']),
        reason: v.string(),
        whatToDo: v.string(),
      }),
    ),
    v.description('Why it does not go on; null when it does, or is over.'),
  ),
  createdAt: timeShape,
})

export const previewedShape = v.strictObject({
  userId: v.string(),
  graphId: v.nullable(v.string()),
  action: v.picklist(['create', 'update', 'none', 'conflict']),
  changes: v.array(
    v.strictObject({
      attribute: v.string(),
      graph: v.string(),
      current: v.pipe(v.unknown(), v.description('What Microsoft 365 holds, and would lose.')),
      next: v.pipe(v.unknown(), v.description('What would be sent; null clears it.')),
    }),
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
  problems: v.array(objectShape),
})

export const previewShape = v.strictObject({
  sequence: v.pipe(v.number(), v.description('To be sent as atSequence by what follows.')),
  ...listOf(previewedShape).entries,
})
