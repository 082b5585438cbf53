/** Rows about the data: values that are taken or refused, links that are there or not. */
import {
  MASTERED_EXTERNALLY,
  MASTERED_ON_PREMISES,
  OUR_FAULT,
  PASSWORD_REJECTED,
  UNVERIFIED_DOMAIN,
  VALUE_INVALID,
  VALUE_MISSING,
  VALUES_INVALID,
} from './outcome-texts.ts'
import type { OutcomeRow } from './outcome-row.ts'
import type { ConflictTarget } from './outcome-types.ts'

const conflictRow = (target: ConflictTarget): OutcomeRow => ({
  name: `${target} is taken`,
  status: [400, 409],
  says: {
    detail: { code: 'ObjectConflict', target },
    message: new RegExp(`same value for property '?${target}\\b`, 'i'),
  },
  outcome: { kind: 'conflict', target },
})

export const CONFLICTS: readonly OutcomeRow[] = [
  conflictRow('userPrincipalName'),
  conflictRow('proxyAddresses'),
  conflictRow('mail'),
  conflictRow('mailNickname'),
  conflictRow('onPremisesImmutableId'),
  {
    name: 'some value is taken, perhaps by a replica that lags',
    status: [400],
    says: { message: /^A conflicting object with one or more of the specified property values/i },
    outcome: { kind: 'conflict', target: 'other', afterSeconds: 30 },
  },
  {
    name: 'another property is taken',
    status: [400],
    says: { detail: { code: 'ObjectConflict' }, message: /same value for property/i },
    outcome: { kind: 'conflict', target: 'other' },
  },
  {
    name: 'concurrent writes to one object',
    status: [409],
    code: ['Directory_ConcurrencyViolation'],
    outcome: { kind: 'retry', reason: 'concurrent_change' },
  },
  {
    name: 'duplicates',
    status: [409],
    outcome: { kind: 'conflict', target: 'other' },
  },
]

export const LINKS: readonly OutcomeRow[] = [
  {
    name: 'one of several members is a member already',
    status: [400],
    says: { message: /added object references already exist/i },
    when: 'several_links',
    outcome: { kind: 'splitNeeded' },
  },
  {
    name: 'already a member',
    status: [400],
    says: { message: /added object references already exist/i },
    outcome: { kind: 'alreadyDone' },
  },
  {
    name: 'no member',
    status: [400],
    says: { message: /removed object references do(n't| not) exist/i },
    outcome: { kind: 'alreadyDone' },
  },
  {
    name: 'a linked object is not there although nothing is young',
    status: [400],
    says: { message: /source resource object or one of the objects being referenced/i },
    when: 'old',
    outcome: { kind: 'missing' },
  },
  {
    name: 'a linked object is not replicated',
    status: [400],
    says: { message: /source resource object or one of the objects being referenced/i },
    outcome: { kind: 'notReplicated', afterSeconds: 2 },
  },
  {
    name: 'more than 20 links',
    status: [400],
    says: { message: /more than 20 link changes/i },
    outcome: { kind: 'permanent', code: 'too_many_links', text: OUR_FAULT },
  },
]

export const VALUES: readonly OutcomeRow[] = [
  {
    name: 'the domain is not verified',
    status: [400],
    says: { message: /domain portion of the userPrincipalName|verified domain names/i },
    outcome: {
      kind: 'permanent',
      code: 'domain_not_verified',
      text: UNVERIFIED_DOMAIN,
      attribute: 'userPrincipalName',
    },
  },
  {
    name: 'the password is refused',
    status: [400],
    says: { message: /password (does not comply|is banned)|password complexity/i },
    outcome: {
      kind: 'permanent',
      code: 'password_rejected',
      text: PASSWORD_REJECTED,
      attribute: 'passwordProfile',
    },
  },
  {
    name: 'mastered on premises',
    status: [400],
    says: { message: /on-premises mastered/i },
    outcome: { kind: 'masteredOnPremises', text: MASTERED_ON_PREMISES },
  },
  {
    name: 'mastered by another service',
    status: [400],
    says: { message: /originated within an external service/i },
    outcome: { kind: 'permanent', code: 'mastered_externally', text: MASTERED_EXTERNALLY },
  },
  {
    name: 'a required value is missing',
    status: [400],
    says: { message: /A value is required for property '(\w+)'/i },
    outcome: { kind: 'permanent', code: 'value_missing', text: VALUE_MISSING },
  },
  {
    name: 'a value is too long',
    status: [400],
    says: { message: /The (\w+) should be between \d+ and \d+ characters/i },
    outcome: { kind: 'permanent', code: 'value_length', text: VALUE_INVALID },
  },
  {
    name: 'a value is invalid',
    status: [400],
    says: {
      detail: { code: 'InvalidValue' },
      message: /Invalid value specified for property '(\w+)'/i,
    },
    outcome: { kind: 'permanent', code: 'value_invalid', text: VALUE_INVALID },
  },
  {
    name: 'values of a new object are invalid, perhaps for a replica that lags',
    status: [400],
    says: { message: /^One or more propert(y|ies) (values specified are|contains) invalid/i },
    purposes: ['create_user', 'create_group'],
    outcome: { kind: 'permanent', code: 'values_invalid', text: VALUES_INVALID, afterSeconds: 30 },
  },
  {
    name: 'values are invalid',
    status: [400],
    says: { message: /^One or more propert(y|ies) (values specified are|contains) invalid/i },
    outcome: { kind: 'permanent', code: 'values_invalid', text: VALUES_INVALID },
  },
]
