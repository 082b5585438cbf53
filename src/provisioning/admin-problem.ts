/** The faults of the SCIM service as problems of the admin API. Pure. */
import { invalidField, type Problem } from '../http/problem.ts'
import { type ScimFault, toScimError } from '../scim/fault.ts'

/** What SCIM calls otherwise than the admin API. */
const POINTERS: Readonly<Record<string, string>> = {
  userName: '/username',
  emails: '/email',
  'emails.value': '/email',
  'name.givenName': '/firstname',
  'name.familyName': '/lastname',
  displayName: '/displayName',
  externalId: '/externalId',
  alternateEmail: '/alternateEmail',
  members: '/addMembers',
}

/** The problem of a fault; what only a client of SCIM can run into is a bug. */
export function problemOf(fault: ScimFault): Problem {
  if (fault.kind === 'invalidValue')
    return invalidField(POINTERS[fault.attribute] ?? '', `cannot be used: ${fault.reason}`)
  if (fault.kind === 'uniqueness') {
    const { existingId } = fault
    const evidence = existingId === undefined ? {} : { existingId }
    return { kind: 'conflict', detail: toScimError(fault).detail, evidence }
  }
  if (fault.kind === 'notFound') return { kind: 'notFound', what: fault.what }
  if (fault.kind === 'busy') return fault
  throw new Error(`an administrator's change ended in ${fault.kind}`)
}
