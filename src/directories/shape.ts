/** A directory in requests and answers. */
import * as v from 'valibot'

import type { ShownDirectory } from '../db/directory-store.ts'
import { tenantField, textField, wordField } from '../http/parse-request.ts'
import type { Problem } from '../http/problem.ts'
import type { JsonObject } from '../kernel/json.ts'
import { err, type Result } from '../kernel/result.ts'
import { toRfc3339 } from '../kernel/time.ts'
import { readSettings } from '../plan/configuration.ts'
import { type DirectorySettings, mergeSettings } from '../plan/settings.ts'
import { credentialField, type Issuer, showCredential } from './credential.ts'

const CLIENT_ID = 'must be the application (client) id of an app registration, a UUID'

const fields = {
  name: textField(200),
  clientId: v.pipe(
    v.string(CLIENT_ID),
    v.trim(),
    v.toLowerCase(),
    v.regex(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, CLIENT_ID),
    v.description('The application (client) id of the app registration.'),
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
    state: v.pipe(
      wordField(['active', 'paused']),
      v.description(
        '`paused`: nothing is sent, and what is owed is kept; `active`: it is sent, also after the credential was refused.',
      ),
    ),
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
export function showDirectory(directory: ShownDirectory, issuer: Issuer | undefined): JsonObject {
  const { id, name, tenantId, clientId, state, stateReason } = directory
  return {
    id,
    name,
    tenantId,
    clientId,
    state,
    stateReason,
    credential: showCredential(directory, issuer),
    settings: readSettings(directory.settings),
    createdAt: toRfc3339(directory.createdAt),
    modifiedAt: toRfc3339(directory.modifiedAt),
  }
}
