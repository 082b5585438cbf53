/** What administrators change of users: the same rows, versions and events as over SCIM. */
import * as v from 'valibot'

import { adminReader } from '../db/admin-reader.ts'
import { ownersOf } from '../db/attribute-owner.ts'
import type { StoredUser } from '../db/row.ts'
import { sourceStore } from '../db/source-store.ts'
import { invalidField, notFound, type Problem } from '../http/problem.ts'
import type { JsonObject } from '../kernel/json.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { attributeNamed, isAttributeName } from '../plan/attributes.ts'
import { directoryUser } from '../plan/directory-user.ts'
import { importedValues } from '../plan/imported.ts'
import { checkDocument, withSchemas } from '../scim/document.ts'
import type { ScimFault } from '../scim/fault.ts'
import { USER } from '../scim/resource-types.ts'
import { primaryEmail, type UsernamePolicy } from '../scim/username.ts'
import { problemOf } from './admin-problem.ts'
import { type AdminScope, adminWriter, type AdminWriteDeps } from './admin-scope.ts'
import { showAdminUser } from './admin-show.ts'
import { untilWritten } from './service.ts'
import { PROPERTY_NAMES, withProperties, type Properties } from './user-properties.ts'
import { changeUser, userService } from './users.ts'

const MAX_TEXT = 1024
const TEXT = `must be a text of ${MAX_TEXT} characters at most, or null`
const FLAG = 'must be true or false'
const MAX_PASSWORD = 256
const PASSWORD = `must be a text of 1 to ${MAX_PASSWORD} characters`

/** A text; an empty one is none. */
const property = v.optional(
  v.nullable(
    v.pipe(
      v.string(TEXT),
      v.trim(),
      v.maxLength(MAX_TEXT, TEXT),
      v.check((value) => value.isWellFormed(), TEXT),
      v.transform((value) => (value === '' ? null : value)),
    ),
  ),
)

export const userPatchSchema = v.strictObject({
  ...Object.fromEntries(PROPERTY_NAMES.map((name) => [name, property])),
  suspended: v.optional(v.boolean(FLAG)),
  passwordExpired: v.optional(v.boolean(FLAG)),
  password: v.optional(
    v.pipe(v.string(PASSWORD), v.minLength(1, PASSWORD), v.maxLength(MAX_PASSWORD, PASSWORD)),
  ),
})

type UserPatch = v.InferOutput<typeof userPatchSchema>
type Outcome<T> = Promise<Result<T, Problem>>

/**
 * Changes what the body names, and shows the user. Problems: notFound, invalid (with the pointer), conflict (a name that is
 * taken, a value that Microsoft 365 owns), busy.
 */
export async function patchAdminUser(
  scope: AdminScope,
  deps: AdminWriteDeps,
  id: string,
  patch: UserPatch,
): Outcome<JsonObject> {
  const { suspended, passwordExpired, password, ...given } = patch
  const properties = propertiesOf(given)
  const { database, organizationId } = scope
  const found = await adminReader(database, organizationId).user(id)
  if (found === undefined) return err(notFound('User', id))
  const shown = showAdminUser(found)
  const unknown = await unknownManager(scope, properties['manager'], shown['manager'])
  if (unknown !== undefined) return err(unknown)
  const owned = await ownedProblem(scope, id, Object.keys(properties))
  if (owned !== undefined) return err(owned)
  const policy = await policyOf(scope, found.row.sourceId)
  const writer = adminWriter(scope, deps, policy)
  const changed = await untilWritten(writer, () =>
    changeUser(writer, id, (before) => {
      const changes = changedProperties(properties, before)
      const resource = withSchemas(withProperties(before.resource, changes), USER)
      const fault = checkDocument(resource, USER) ?? addressFault(resource, properties)
      if (fault !== undefined) return err(fault)
      return ok({
        resource,
        suspended: suspended ?? before.suspended,
        ...(passwordExpired === undefined ? {} : { passwordExpired }),
        ...(password === undefined ? {} : { password }),
      })
    }),
  )
  if (!changed.ok) return err(problemOf(changed.error))
  const after = await adminReader(database, organizationId).user(id)
  return after === undefined ? err(notFound('User', id)) : ok(showAdminUser(after))
}

/** Removes a user, as over SCIM. Problems: notFound, busy. */
export async function removeAdminUser(
  scope: AdminScope,
  deps: AdminWriteDeps,
  id: string,
): Outcome<undefined> {
  const removed = await userService.remove(adminWriter(scope, deps, 'any'), id)
  return removed.ok ? removed : err(problemOf(removed.error))
}

/** Under `local-part` the username is a part of what the client sent, and stays so when it is sent back as it is shown. */
function changedProperties(properties: Properties, before: StoredUser): Properties {
  const { username, ...others } = properties
  const state = { ...before, imported: importedValues(before.imported) }
  return username === directoryUser(before.resource, state).username ? others : properties
}

const propertiesOf = (given: Readonly<Record<string, unknown>>): Properties =>
  Object.fromEntries(
    Object.entries(given).flatMap(([name, value]) =>
      typeof value === 'string' || value === null ? [[name, value]] : [],
    ),
  )

/** A client may name a manager who comes later; an administrator names somebody who is here. What is there already may stay. */
async function unknownManager(
  { database, organizationId }: AdminScope,
  manager: string | null | undefined,
  before: unknown,
): Promise<Problem | undefined> {
  if (typeof manager !== 'string' || manager === before) return undefined
  const [unknown] = await adminReader(database, organizationId).unknownOf([manager])
  const isUser = unknown === undefined && manager.startsWith('usr_')
  return isUser ? undefined : invalidField('/manager', MANAGER)
}

const MANAGER = 'must be the id of a user of yours (usr_…), or null'

/** What a directory imports of a user is Microsoft 365's to change. */
async function ownedProblem(
  { database, organizationId }: AdminScope,
  userId: string,
  names: readonly string[],
): Promise<Problem | undefined> {
  if (names.length === 0) return undefined
  const [owner] = await ownersOf(database, organizationId, userId, names)
  if (owner === undefined) return undefined
  const { attribute, directoryId, directoryName } = owner
  const label = isAttributeName(attribute) ? attributeNamed(attribute).label : attribute
  return {
    kind: 'conflict',
    detail: `"${label}" (${attribute}) is imported from the directory "${directoryName}" (${directoryId}), so its value is changed in Microsoft 365. Leave it out, or choose another direction for it there first, or unbind the user there.`,
    evidence: { attribute, directoryId },
  }
}

/** From the loosest to the strictest. */
const POLICIES: readonly UsernamePolicy[] = ['any', 'local-part', 'strict']
/** So many sources are asked. */
const MOST_SOURCES = 100

/**
 * Names are held to the policy of the source that the user came from. Whoever came from none, or from one that is gone, may be called
 * as one of the organization's sources would call it, so that it is found there: an imported user above all.
 */
async function policyOf(
  { database, organizationId }: AdminScope,
  sourceId: string | null,
): Promise<UsernamePolicy> {
  const sources = sourceStore(database, organizationId)
  const own = sourceId === null ? undefined : await sources.find(sourceId)
  if (own !== undefined) return own.usernamePolicy
  const all = await sources.list('', MOST_SOURCES)
  const policies = all.map(({ usernamePolicy }) => usernamePolicy)
  return POLICIES.find((policy) => policies.includes(policy)) ?? 'strict'
}

/** The first address of a user is its email: one that is taken away lets the other take its place, and so does none. */
function addressFault(
  resource: JsonObject,
  { email, alternateEmail }: Properties,
): ScimFault | undefined {
  const primary = primaryEmail(resource)
  const fault = { kind: 'invalidValue' } as const
  if (email === null && primary !== undefined)
    return { ...fault, attribute: 'emails', reason: ANOTHER_ADDRESS }
  if (typeof alternateEmail === 'string' && primary === alternateEmail)
    return { ...fault, attribute: 'alternateEmail', reason: NO_EMAIL }
  return undefined
}

const ANOTHER_ADDRESS =
  'the user has another address, which would become its email; set alternateEmail to null as well'
const NO_EMAIL = 'it would become the email, since the user has no other address; set email as well'
