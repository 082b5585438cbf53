import type { DirectoryFault } from '../db/directory-store.ts'
import { invalidField, type Problem } from '../http/problem.ts'
import type { TenantClash } from '../db/tenant-guard.ts'
import type { AuthFailure } from '../graph/auth-failure.ts'
import { assertNever } from '../kernel/result.ts'
import { type AttributeName, attributeNamed } from '../plan/attributes.ts'

/** Microsoft 365 could not be read, and will not be before an administrator does something. */
export const unreachable = (detail: string): Problem => ({
  kind: 'conflict',
  detail: `Microsoft 365 cannot be asked: ${detail} POST …/test tells more.`,
})

/** Microsoft 365 could not be read just now. */
export const notNow = (afterSeconds: number): Problem => ({
  kind: 'busy',
  retryAfterSeconds: Math.ceil(afterSeconds),
  detail:
    'Microsoft 365 answers no more requests for now, or gave no answer. Try again after the seconds that Retry-After says.',
})

/** What was previewed is not what would happen now. */
export const changedSincePreview = (userIds: readonly string[]): Problem => ({
  kind: 'conflict',
  detail: `Changed since the preview: ${userIds.join(', ')}. What you saw is no longer what would happen. Preview again.`,
  evidence: { userIds },
})

/** Why a directory was not stored, as its administrator reads it. */
export function problemOf(fault: DirectoryFault): Problem {
  switch (fault.kind) {
    case 'stale':
      return { kind: 'busy', retryAfterSeconds: 1 }
    case 'tenantTaken':
      return {
        kind: 'conflict',
        detail: `The directory "${fault.name}" (${fault.id}) is connected to this tenant already, and two would undo each other's work. Change that one, or delete it first.`,
        evidence: { directoryId: fault.id },
      }
    case 'sameTenant':
      return {
        kind: 'conflict',
        detail: `The source "${fault.name}" (${fault.id}) provisions from this same tenant: it and the directory would chase each other's changes. Set sameTenant to true in the settings if that is what you want, or take entraTenantId from the source.`,
        evidence: { sourceId: fault.id },
      }
    case 'unknownGroups': {
      const ids = fault.ids.slice(0, 5).join(', ')
      return invalidField('/settings/bindNewUsers/groupIds', `names no groups of yours: ${ids}`)
    }
    case 'upnImported':
      return upnImported(fault.attribute)
    default:
      return assertNever(fault)
  }
}

/**
 * A directory that imported what it takes the userPrincipalName from would rename an account because of what the account itself says.
 */
export function upnImported(attribute: AttributeName): Problem {
  const { label } = attributeNamed(attribute)
  return {
    kind: 'conflict',
    detail: `The setting upnSource "${attribute}" and the direction "import" of "${label}" (${attribute}) exclude each other in one directory: what an account says there would change its own sign-in name (userPrincipalName). Set upnSource to "email", or the direction to "export" or "exclude".`,
    evidence: { attribute, upnSource: attribute },
  }
}

/** Why a directory gets no token: only that told which tenant it is connected to. */
export const clashFailure = ({ kind, id, name }: TenantClash): AuthFailure =>
  kind === 'tenantTaken'
    ? {
        kind: 'permanent',
        code: 'tenant_connected',
        message: `The directory "${name}" (${id}) is connected to this same tenant, and two would undo each other's work.`,
        whatToDo:
          'Delete one of the two directories. If this one stays, set its state to "active" then.',
      }
    : {
        kind: 'permanent',
        code: 'tenant_of_source',
        message: `The source "${name}" (${id}) provisions from this same tenant: it and the directory would chase each other's changes.`,
        whatToDo:
          'Set sameTenant to true in the settings if that is what you want, or take entraTenantId from the source; then set the state to "active".',
      }
