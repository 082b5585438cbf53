/** A directory in requests and answers. */
import * as v from 'valibot'

import type { ShownDirectory } from '../db/directory-store.ts'
import { tenantField, textField, timeField, wordField } from '../http/parse-request.ts'
import type { Problem } from '../http/problem.ts'
import type { JsonObject } from '../kernel/json.ts'
import { err, type Result } from '../kernel/result.ts'
import { toRfc3339 } from '../kernel/time.ts'
import { type DirectorySettings, mergeSettings } from '../plan/settings.ts'
import { storedSettings } from './stored.ts'

const CREDENTIAL = 'must be a credential with the type client_secret, certificate or federated'
const CLIENT_ID = 'must be the application (client) id of an app registration, a UUID'

const UNBUILT =
  'can only be client_secret so far: certificates and federated credentials are not built yet'

/** A type of the contract that is understood and refused, whatever else the credential holds. */
const unbuilt = <const T extends string>(type: T) =>
  v.pipe(
    v.looseObject({ type: v.literal(type) }),
    v.rawTransform<{ readonly type: T }, never>(({ dataset, addIssue, NEVER }) => {
      const input = dataset.value
      const path = { type: 'object', origin: 'value', input, key: 'type', value: type } as const
      addIssue({ message: UNBUILT, path: [path] })
      return NEVER
    }),
  )

const credentialField = v.variant(
  'type',
  [
    v.strictObject({
      type: v.literal('client_secret'),
      secret: textField(1000),
      expiresAt: v.optional(v.nullable(timeField), null),
    }),
    unbuilt('certificate'),
    unbuilt('federated'),
  ],
  CREDENTIAL,
)

const fields = {
  name: textField(200),
  clientId: v.pipe(
    v.string(CLIENT_ID),
    v.trim(),
    v.toLowerCase(),
    v.regex(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, CLIENT_ID),
  ),
  credential: credentialField,
}

export const newDirectorySchema = v.strictObject({
  ...fields,
  tenantId: tenantField,
  settings: v.optional(v.unknown()),
})

/** A directory keeps its tenant: its bindings are to objects of that one. */
export const directoryPatchSchema = v.partial(
  v.strictObject({
    ...fields,
    settings: v.unknown(),
    state: wordField(['active', 'paused']),
  }),
)

/** Settings with a patch merged in; the problem points to each setting that is wrong. */
export function mergedSettings(
  current: DirectorySettings,
  patch: unknown,
): Result<DirectorySettings, Problem> {
  const merged = mergeSettings(current, patch)
  if (merged.ok) return merged
  const errors = merged.error.map(({ field, pointer, message }) => ({
    pointer: `/settings${pointer}`,
    detail: message.startsWith(`${field} `) ? message.slice(field.length + 1) : message,
  }))
  return err({ kind: 'invalid', errors })
}

/** A directory as every answer shows it: its secret is in none. */
export function showDirectory(directory: ShownDirectory): JsonObject {
  const { id, name, tenantId, clientId, state, stateReason, credentialType } = directory
  const expiresAt = directory.credentialExpiresAt
  return {
    id,
    name,
    tenantId,
    clientId,
    state,
    stateReason,
    credential: {
      type: credentialType,
      expiresAt: expiresAt === null ? null : toRfc3339(expiresAt),
    },
    settings: storedSettings(directory.settings),
    createdAt: toRfc3339(directory.createdAt),
    modifiedAt: toRfc3339(directory.modifiedAt),
  }
}
