/** What administrators change of groups: the same rows, versions and events as over SCIM. */
import * as v from 'valibot'

import { adminReader } from '../db/admin-reader.ts'
import { textField } from '../http/parse-request.ts'
import { invalidField, notFound, type Problem } from '../http/problem.ts'
import type { JsonObject } from '../kernel/json.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { PATCH_OP_URN } from '../scim/urns.ts'
import { problemOf } from './admin-problem.ts'
import { type AdminScope, adminWriter, type AdminWriteDeps } from './admin-scope.ts'
import { showAdminGroup } from './admin-show.ts'
import { groupService } from './groups.ts'

/** A group shows this many of its members. */
const MAX_MEMBERS = 1000
const MAX_IDS = 1000
const IDS = `must be a list of at most ${MAX_IDS} ids of users (usr_…) or groups (grp_…)`

const memberIds = v.optional(
  v.pipe(
    v.array(v.pipe(v.string(IDS), v.regex(/^(?:usr|grp)_[0-9a-z]{1,60}$/, IDS)), IDS),
    v.maxLength(MAX_IDS, IDS),
  ),
  [],
)

export const groupPatchSchema = v.strictObject({
  displayName: v.optional(textField(1024)),
  externalId: v.optional(v.nullable(textField(1024))),
  addMembers: memberIds,
  removeMembers: memberIds,
})

type GroupPatch = v.InferOutput<typeof groupPatchSchema>
type Outcome<T> = Promise<Result<T, Problem>>

/** A group with its first members. Problem: notFound. */
export async function readAdminGroup(
  { database, organizationId }: AdminScope,
  id: string,
): Outcome<JsonObject> {
  const found = await adminReader(database, organizationId).group(id, MAX_MEMBERS)
  if (found === undefined) return err(notFound('Group', id))
  const members = found.memberIds.map((memberId) => ({
    id: memberId,
    type: memberId.startsWith('grp_') ? 'group' : 'user',
  }))
  return ok({ ...showAdminGroup(found), members })
}

/** Changes what the body names, and shows the group. Problems: notFound, invalid, conflict (a name that is taken), busy. */
export async function patchAdminGroup(
  scope: AdminScope,
  deps: AdminWriteDeps,
  id: string,
  patch: GroupPatch,
): Outcome<JsonObject> {
  const { database, organizationId } = scope
  const unknown = await adminReader(database, organizationId).unknownOf(patch.addMembers)
  const [stranger] = unknown
  if (stranger !== undefined)
    return err(invalidField('/addMembers', `holds ${stranger}, which does not exist here`))
  const Operations = operationsOf(patch)
  if (Operations.length === 0) return readAdminGroup(scope, id)
  const body = { schemas: [PATCH_OP_URN], Operations }
  const patched = await groupService.patch(adminWriter(scope, deps, 'any'), id, body, undefined)
  return patched.ok ? readAdminGroup(scope, id) : err(problemOf(patched.error))
}

/** Removes a group, as over SCIM; its members stay. Problems: notFound, busy. */
export async function removeAdminGroup(
  scope: AdminScope,
  deps: AdminWriteDeps,
  id: string,
): Outcome<undefined> {
  const removed = await groupService.remove(adminWriter(scope, deps, 'any'), id)
  return removed.ok ? removed : err(problemOf(removed.error))
}

function operationsOf({ displayName, externalId, addMembers, removeMembers }: GroupPatch) {
  const values = (ids: readonly string[]) => ids.map((value) => ({ value }))
  return [
    ...(displayName === undefined
      ? []
      : [{ op: 'replace', path: 'displayName', value: displayName }]),
    ...(externalId === undefined
      ? []
      : externalId === null
        ? [{ op: 'remove', path: 'externalId' }]
        : [{ op: 'replace', path: 'externalId', value: externalId }]),
    ...(addMembers.length === 0 ? [] : [{ op: 'add', path: 'members', value: values(addMembers) }]),
    // Members to remove as a list: the form that Entra ID has for many at once.
    ...(removeMembers.length === 0
      ? []
      : [{ op: 'remove', path: 'members', value: values(removeMembers) }]),
  ]
}
