import type { Outcome, WriteContext } from '../../src/graph/outcome.ts'
import type { Json } from '../../src/kernel/json.ts'

export const HOLDER = '87d349ed-44d7-43e1-9a83-5f2406dee5bd'
const YOUNG = { ageSeconds: 20 }
const OLD = { ageSeconds: 4000 }

/** One answer for one row of the table: what Graph sends, to which request, and what must be made of it. */
export interface OutcomeCase {
  readonly row: string
  readonly status: number
  readonly code?: string
  readonly message?: string
  readonly details?: Json
  readonly headers?: Record<string, string>
  readonly context?: Partial<WriteContext>
  readonly outcome: Partial<Outcome>
}

const body = (...names: string[]): WriteContext['request'] => ({
  method: 'PATCH',
  url: '/users/1',
  body: Object.fromEntries(names.map((name) => [name, 'x'])),
})
const bind = (count: number): WriteContext['request'] => ({
  method: 'PATCH',
  url: '/groups/1',
  body: { 'members@odata.bind': Array.from({ length: count }, (_, i) => `u${i}`) },
})
const BAD = { status: 400, code: 'Request_BadRequest' }
const taken = (target: string, context: Partial<WriteContext>): OutcomeCase => ({
  row: `${target} is taken`,
  ...BAD,
  message: `Another object with the same value for property ${target} already exists.`,
  details: [
    { code: 'ObjectConflict', message: '…', target },
    { code: 'ConflictingObjects', message: '…', target: `User_${HOLDER}` },
  ],
  context,
  outcome: {
    kind: 'conflict',
    target,
    holderId: HOLDER,
    holderKind: 'user',
  } as Partial<Outcome>,
})
const GONE = {
  status: 404,
  code: 'Request_ResourceNotFound',
  message: `Resource '${HOLDER}' does not exist or one of its queried reference-property objects are not present.`,
}
const NO_MANAGER = { ...GONE, message: GONE.message.replace(HOLDER, 'manager') }
const ALREADY =
  "One or more added object references already exist for the following modified properties: 'members'."
const UNLINKED = "The source resource object or one of the objects being referenced don't exist."
const INVALID = 'One or more properties contains invalid values.'
const DENIED = {
  status: 403,
  code: 'Authorization_RequestDenied',
  message: 'Insufficient privileges to complete the operation.',
}

const THROTTLED: readonly OutcomeCase[] = [
  {
    row: 'throttled',
    status: 429,
    code: 'TooManyRequests',
    headers: {
      'retry-after': '2.128',
      'x-ms-throttle-scope': 'Tenant_Application/ReadWrite/app/tenant',
    },
    outcome: { kind: 'throttled', retryAfterSeconds: 3, stated: true, scope: 'app_tenant' },
  },
  {
    row: 'throttled',
    status: 429,
    headers: { 'retry-after': '12', 'x-ms-throttle-scope': 'Tenant/Write/app/tenant' },
    outcome: { kind: 'throttled', retryAfterSeconds: 12, scope: 'tenant' },
  },
  {
    row: 'throttled',
    status: 429,
    headers: { 'retry-after': '99999', 'x-ms-throttle-scope': 'Application/Write/app/x' },
    outcome: { kind: 'throttled', retryAfterSeconds: 3600, scope: 'app' },
  },
  {
    row: 'throttled',
    status: 429,
    outcome: { kind: 'throttled', retryAfterSeconds: 10, stated: false, scope: 'app_tenant' },
  },
  {
    row: 'throttled under another status',
    status: 503,
    code: 'Request_ThrottledTemporarily',
    outcome: { kind: 'throttled', stated: false },
  },
]

const CONFLICTS: readonly OutcomeCase[] = [
  taken('userPrincipalName', { purpose: 'create_user' }),
  taken('proxyAddresses', { purpose: 'update_user' }),
  taken('mail', { purpose: 'update_user' }),
  taken('mailNickname', { purpose: 'create_group' }),
  taken('onPremisesImmutableId', { purpose: 'create_user' }),
  {
    row: 'userPrincipalName is taken',
    ...BAD,
    message: 'Another object with the same value for property userPrincipalName already exists.',
    outcome: { kind: 'conflict', target: 'userPrincipalName' },
  },
  {
    row: 'proxyAddresses is taken',
    ...BAD,
    message: '…',
    details: { code: 'ObjectConflict', target: 'proxyAddresses' },
    outcome: { kind: 'conflict', target: 'proxyAddresses' },
  },
  {
    row: 'some value is taken, perhaps by a replica that lags',
    ...BAD,
    message:
      'A conflicting object with one or more of the specified property values is present in the directory.',
    outcome: { kind: 'conflict', target: 'other', afterSeconds: 30 },
  },
  {
    row: 'another property is taken',
    ...BAD,
    details: [
      { code: 'ObjectConflict', target: 'uniqueName' },
      { code: 'ConflictingObjects', target: `Group_${HOLDER}` },
    ],
    outcome: { kind: 'conflict', target: 'other', holderId: HOLDER, holderKind: 'group' },
  },
  {
    row: 'concurrent writes to one object',
    status: 409,
    code: 'Directory_ConcurrencyViolation',
    outcome: { kind: 'retry', reason: 'concurrent_change', countsAsAttempt: true },
  },
  {
    row: 'duplicates',
    status: 409,
    code: 'Request_MultipleObjectsWithSameKeyValue',
    outcome: { kind: 'conflict', target: 'other' },
  },
]

const LINKS: readonly OutcomeCase[] = [
  {
    row: 'one of several members is a member already',
    ...BAD,
    message: ALREADY,
    context: { purpose: 'add_members', request: bind(2) },
    outcome: { kind: 'splitNeeded' },
  },
  {
    row: 'already a member',
    ...BAD,
    message: ALREADY,
    context: { purpose: 'add_members', request: bind(1) },
    outcome: { kind: 'alreadyDone' },
  },
  {
    row: 'no member',
    ...BAD,
    message: 'One or more removed object references do not exist for the properties: members.',
    context: { purpose: 'remove_member' },
    outcome: { kind: 'alreadyDone' },
  },
  {
    row: 'a linked object is not there although nothing is young',
    ...BAD,
    message: UNLINKED,
    context: { purpose: 'set_manager', ...OLD },
    outcome: { kind: 'missing' },
  },
  {
    row: 'a linked object is not replicated',
    ...BAD,
    message: UNLINKED,
    context: { purpose: 'add_members' },
    outcome: { kind: 'notReplicated', afterSeconds: 2 },
  },
  {
    row: 'more than 20 links',
    ...BAD,
    message: 'A resource cannot contain more than 20 link changes.',
    context: { purpose: 'add_members' },
    outcome: { kind: 'permanent', code: 'too_many_links' },
  },
]

const VALUES: readonly OutcomeCase[] = [
  {
    row: 'the domain is not verified',
    ...BAD,
    message:
      'The domain portion of the userPrincipalName property is invalid. You must use one of the verified domain names in your organization.',
    details: [{ code: 'InvalidValue', target: 'userPrincipalName' }],
    outcome: { kind: 'permanent', code: 'domain_not_verified', attribute: 'userPrincipalName' },
  },
  {
    row: 'the password is refused',
    ...BAD,
    message:
      'The specified password does not comply with password complexity requirements. Please provide a different password.',
    outcome: { kind: 'permanent', code: 'password_rejected', attribute: 'passwordProfile' },
  },
  {
    row: 'mastered on premises',
    ...BAD,
    message:
      'Unable to update the specified properties for on-premises mastered Directory Sync objects or objects currently undergoing migration.',
    outcome: { kind: 'masteredOnPremises' },
  },
  {
    row: 'mastered by another service',
    ...BAD,
    message:
      'Unable to update the specified properties for objects that have originated within an external service.',
    outcome: { kind: 'permanent', code: 'mastered_externally' },
  },
  {
    row: 'a required value is missing',
    ...BAD,
    message: "A value is required for property 'displayName' of resource 'User'.",
    outcome: {
      kind: 'permanent',
      code: 'value_missing',
      attribute: 'displayName',
      message: 'Microsoft 365 requires a value for displayName.',
    },
  },
  {
    row: 'a value is too long',
    ...BAD,
    message: 'The jobTitle should be between 1 and 128 characters.',
    outcome: { kind: 'permanent', code: 'value_length', attribute: 'jobTitle' },
  },
  {
    row: 'a value is invalid',
    ...BAD,
    message: '…',
    details: { code: 'InvalidValue', target: 'city' },
    outcome: { kind: 'permanent', code: 'value_invalid', attribute: 'city' },
  },
  {
    row: 'a value is invalid',
    ...BAD,
    message: "Invalid value specified for property 'mobilePhone' of resource 'User'.",
    outcome: { kind: 'permanent', code: 'value_invalid', attribute: 'mobilePhone' },
  },
  {
    row: 'values of a new object are invalid, perhaps for a replica that lags',
    ...BAD,
    message: INVALID,
    context: { purpose: 'create_user' },
    outcome: { kind: 'permanent', code: 'values_invalid', afterSeconds: 30 },
  },
  {
    row: 'values are invalid',
    ...BAD,
    message: 'One or more property values specified are invalid.',
    outcome: { kind: 'permanent', code: 'values_invalid' },
  },
]

const ACCESS: readonly OutcomeCase[] = [
  {
    row: 'the token expired',
    status: 401,
    code: 'InvalidAuthenticationToken',
    outcome: { kind: 'retry', reason: 'token_expired', countsAsAttempt: true },
  },
  {
    row: 'the application is not known in the tenant',
    status: 401,
    code: 'Authorization_IdentityNotFound',
    message: 'The identity of the calling application could not be established.',
    outcome: {
      kind: 'authError',
      scope: 'connection',
      code: 'Authorization_IdentityNotFound',
    },
  },
  {
    row: 'the tenant or the object is full',
    status: 403,
    code: 'Directory_QuotaExceeded',
    outcome: { kind: 'permanent', code: 'quota_exceeded' },
  },
  {
    row: 'a sensitive change of a privileged account',
    ...DENIED,
    context: { request: body('city', 'mobilePhone', 'accountEnabled') },
    outcome: { kind: 'privilegedTarget', attributes: ['mobilePhone', 'accountEnabled'] },
  },
  {
    row: 'a sensitive change of a privileged account',
    ...DENIED,
    context: { purpose: 'delete_user', request: { method: 'DELETE', url: '/users/1' } },
    outcome: { kind: 'privilegedTarget', attributes: [] },
  },
  {
    row: 'a permission is missing',
    ...DENIED,
    context: { request: body('city') },
    outcome: {
      kind: 'authError',
      scope: 'operation',
      whatToDo:
        'Grant the application permission User.ReadWrite.All, with admin consent, then export again.',
    },
  },
  {
    row: 'a permission is missing',
    ...DENIED,
    context: { purpose: 'read', request: { method: 'GET', url: '/users' } },
    outcome: {
      kind: 'authError',
      scope: 'operation',
      whatToDo:
        'Grant the application permission User.Read.All and Domain.Read.All, with admin consent, then try again.',
    },
  },
  {
    row: 'a permission is missing',
    ...DENIED,
    context: { purpose: 'create_user', request: body('passwordProfile') },
    outcome: { kind: 'authError', scope: 'operation' },
  },
]

const NOT_FOUNDS: readonly OutcomeCase[] = [
  {
    row: 'there is no manager to remove',
    ...NO_MANAGER,
    context: { purpose: 'remove_manager', ...YOUNG },
    outcome: { kind: 'alreadyDone' },
  },
  {
    row: 'a young object is not found',
    ...GONE,
    context: { purpose: 'remove_member', ...YOUNG },
    outcome: { kind: 'notReplicated', afterSeconds: 2, objectId: HOLDER },
  },
  ...(['delete_user', 'delete_group', 'remove_member', 'remove_manager'] as const).map(
    (purpose): OutcomeCase => ({
      row: 'what should go is gone',
      ...GONE,
      context: { purpose, ...OLD },
      outcome: { kind: 'alreadyDone' },
    }),
  ),
  {
    row: 'the object is not found',
    ...GONE,
    context: OLD,
    outcome: { kind: 'missing', objectId: HOLDER },
  },
  {
    row: 'not found, without saying what',
    status: 404,
    code: 'UnknownError',
    message: '',
    outcome: { kind: 'retry', reason: 'not_found_unclear', countsAsAttempt: true },
  },
]

const READ = { purpose: 'read' } as const
const READING: readonly OutcomeCase[] = [
  {
    row: 'the page token expired',
    status: 400,
    code: 'Directory_ExpiredPageToken',
    context: READ,
    outcome: { kind: 'restart', from: 'first_page' },
  },
  {
    row: 'the delta token is dead',
    status: 400,
    code: 'syncStateNotFound',
    context: READ,
    outcome: { kind: 'restart', from: 'baseline' },
  },
  {
    row: 'the delta token is dead',
    status: 410,
    code: 'resyncRequired',
    headers: { location: 'https://graph.microsoft.com/v1.0/users/delta?$deltatoken=' },
    context: READ,
    outcome: {
      kind: 'restart',
      from: 'baseline',
      url: 'https://graph.microsoft.com/v1.0/users/delta?$deltatoken=',
    },
  },
  {
    row: 'gone',
    status: 410,
    context: READ,
    outcome: { kind: 'restart', from: 'baseline' },
  },
]

const bug = (row: string, status: number, code: string, more: object = {}): OutcomeCase => ({
  row,
  status,
  ...more,
  outcome: { kind: 'permanent', code },
})
const OUR_FAULTS: readonly OutcomeCase[] = [
  bug('the query is not supported', 400, 'unsupported_query', { code: 'Request_UnsupportedQuery' }),
  bug('$count without ConsistencyLevel', 400, 'unsupported_query', {
    message: '$count is not currently supported.',
  }),
  bug('the URL is wrong', 400, 'bad_url', { code: 'Request_InvalidRequestUrl' }),
  bug('a segment of the URL is wrong', 400, 'bad_url', {
    code: 'BadRequest',
    message: "Resource not found for the segment 'usres'.",
  }),
  bug('the method is wrong', 405, 'bad_method', { code: 'Request_BadRequest' }),
  ...[413, 415, 422].map((status) => bug('the request is malformed', status, 'malformed')),
  bug('not implemented by Graph', 501, 'not_implemented', { code: 'NotImplemented' }),
]

const LATER: readonly OutcomeCase[] = [
  {
    row: 'the object changed meanwhile',
    status: 412,
    outcome: { kind: 'retry', reason: 'precondition' },
  },
  {
    row: 'locked',
    status: 423,
    headers: { 'retry-after': '7' },
    outcome: { kind: 'retry', reason: 'locked', afterSeconds: 7 },
  },
  {
    row: 'an earlier request of the chain failed',
    status: 424,
    code: 'FailedDependency',
    outcome: { kind: 'retry', reason: 'earlier_failed', countsAsAttempt: false },
  },
  ...[507, 509].map((status): OutcomeCase => ({
    row: 'Graph is out of storage or bandwidth',
    status,
    outcome: { kind: 'retry', reason: 'out_of_resources', afterSeconds: 600 },
  })),
  ...[408, 500, 502, 503, 504].map((status): OutcomeCase => ({
    row: 'Graph failed',
    status,
    code: 'serviceNotAvailable',
    headers: { 'retry-after': '9' },
    context: { purpose: 'create_user' },
    outcome: { kind: 'unknown', reason: 'server_error', afterSeconds: 9 },
  })),
  {
    row: 'Graph failed',
    status: 503,
    context: READ,
    outcome: { kind: 'retry', reason: 'server_error', countsAsAttempt: true },
  },
]

export const OUTCOME_CASES: readonly OutcomeCase[] = [
  ...THROTTLED,
  ...CONFLICTS,
  ...LINKS,
  ...VALUES,
  ...ACCESS,
  ...NOT_FOUNDS,
  ...READING,
  ...OUR_FAULTS,
  ...LATER,
]
