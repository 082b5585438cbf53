/** Users and groups as the admin API shows them: by the directory's own names, imported values in place. Pure. */
import type { AdminGroup, AdminUser, UserStatus } from '../db/admin-reader.ts'
import { bindingId } from '../db/binding-store.ts'
import type { JsonObject } from '../kernel/json.ts'
import { toRfc3339 } from '../kernel/time.ts'
import { directoryGroup, directoryUser } from '../plan/directory-user.ts'
import { importedValues } from '../plan/imported.ts'

/** A user; its password and its secrets are in no answer. */
export function showAdminUser({ row, groups, bindings }: AdminUser): JsonObject {
  const { id, usernameKey, suspended, passwordExpired, imported, sourceId, version } = row
  const state = { id, usernameKey, suspended, passwordExpired, imported: importedValues(imported) }
  const { managerId, ownDisplayname: _, ...properties } = directoryUser(row.resource, state)
  return {
    ...properties,
    manager: managerId,
    status: statusOf(row),
    sourceId,
    imported: imported ?? {},
    groups: [...groups],
    bindings: bindings.map((binding) => showBinding(id, binding)),
    version,
    createdAt: toRfc3339(row.createdAt),
    modifiedAt: toRfc3339(row.modifiedAt),
  }
}

/** A group without its members. */
export function showAdminGroup({ row, memberCount, bindings }: AdminGroup): JsonObject {
  const { id, sourceId, version } = row
  return {
    ...directoryGroup(row.resource, { id }),
    sourceId,
    memberCount,
    bindings: bindings.map((binding) => showBinding(id, binding)),
    version,
    createdAt: toRfc3339(row.createdAt),
    modifiedAt: toRfc3339(row.modifiedAt),
  }
}

function statusOf(row: AdminUser['row']): UserStatus {
  if (row.suspended) return 'suspended'
  if (row.passwordExpired) return 'password_expired'
  return row.hasPassword ? 'active' : 'password_pending'
}

function showBinding(resourceId: string, binding: JsonObject): JsonObject {
  const { directoryId, exportedAt } = binding
  const directory = typeof directoryId === 'string' ? directoryId : ''
  return {
    id: bindingId(directory, resourceId),
    ...binding,
    exportedAt: typeof exportedAt === 'number' ? toRfc3339(exportedAt) : null,
  }
}
