import type { Json, JsonObject } from '../../src/kernel/json.ts'
import { type Kind, resourceName } from './schema.ts'

export type Detail = { readonly code: string; readonly message: string; readonly target: string }

/** An answer that is not 2xx: status, code and text exactly as the service gives them. */
export class GraphError extends Error {
  readonly status: number
  readonly code: string
  readonly details: readonly Detail[] | undefined
  readonly headers: Readonly<Record<string, string>>

  constructor(
    status: number,
    code: string,
    message: string,
    more: { details?: readonly Detail[]; headers?: Record<string, string> } = {},
  ) {
    super(message)
    this.status = status
    this.code = code
    this.details = more.details
    this.headers = more.headers ?? {}
  }
}

const badRequest = (message: string, details?: readonly Detail[]): GraphError =>
  new GraphError(400, 'Request_BadRequest', message, details ? { details } : {})

const unsupported = (message: string): GraphError =>
  new GraphError(400, 'Request_UnsupportedQuery', message)

const invalidPayload = (message: string): GraphError => new GraphError(400, 'BadRequest', message)

const withDetail = (code: string, message: string, target: string): GraphError =>
  badRequest(message, [{ code, message, target }])

/** Values and properties that a write may not carry. */
export const valueErrors = {
  unknownProperty: () => badRequest('One or more property values specified are invalid.'),
  invalidValues: () => badRequest('One or more properties contains invalid values.'),
  invalidValue: (kind: Kind, name: string) =>
    withDetail(
      'InvalidValue',
      `Invalid value specified for property '${name}' of resource '${resourceName[kind]}'.`,
      name,
    ),
  length: (name: string, most: number) =>
    badRequest(`The ${name} should be between 1 and ${most} characters.`),
  required: (kind: Kind, name: string) =>
    badRequest(`A value is required for property '${name}' of resource '${resourceName[kind]}'.`),
  readOnly: (name: string) => badRequest(`Property '${name}' is read-only and cannot be set.`),
  weakPassword: () =>
    badRequest(
      'The specified password does not comply with password complexity requirements. Please provide a different password.',
    ),
  unverifiedDomain: () =>
    withDetail(
      'InvalidValue',
      'The domain portion of the userPrincipalName property is invalid. You must use one of the verified domain names in your organization.',
      'userPrincipalName',
    ),
  taken: (name: string, holder: string) => {
    const message = `Another object with the same value for property ${name} already exists.`
    return badRequest(message, [
      { code: 'ObjectConflict', message, target: name },
      { code: 'ConflictingObjects', message, target: holder },
    ])
  },
  conflicting: () =>
    badRequest(
      'A conflicting object with one or more of the specified property values is present in the directory.',
    ),
  synced: () =>
    badRequest(
      'Unable to update the specified properties for on-premises mastered Directory Sync objects or objects currently undergoing migration.',
    ),
  formerlySynced: () =>
    badRequest(
      'Unable to update the specified properties for objects that have originated within an external service.',
    ),
  mailEnabledGroup: () =>
    badRequest(
      'The service does not currently support writes of mail-enabled groups. Please ensure that the mail-enablement property is unset and the security-enablement property is set.',
    ),
} as const

/** Links between objects. */
export const linkErrors = {
  alreadyLinked: () =>
    badRequest(
      "One or more added object references already exist for the following modified properties: 'members'.",
    ),
  missingTarget: () =>
    badRequest("The source resource object or one of the objects being referenced don't exist."),
  tooMany: () => badRequest('A resource cannot contain more than 20 link changes'),
  badReference: () => badRequest('Invalid object reference in the @odata.id or @odata.bind value.'),
} as const

/** Addresses and lookups. */
export const addressErrors = {
  notFound: (what: string) =>
    new GraphError(
      404,
      'Request_ResourceNotFound',
      `Resource '${what}' does not exist or one of its queried reference-property objects are not present.`,
    ),
  unknownSegment: (segment: string) =>
    invalidPayload(`Resource not found for the segment '${segment}'.`),
  wrongMethod: () =>
    new GraphError(
      405,
      'Request_BadRequest',
      'Specified HTTP method is not allowed for the request target.',
    ),
  notSupported: () =>
    new GraphError(501, 'NotImplemented', 'This operation target is not yet supported.'),
} as const

/** Who asks, and what they may do. */
export const accessErrors = {
  badToken: (message: string) => new GraphError(401, 'InvalidAuthenticationToken', message),
  unknownCaller: () =>
    new GraphError(
      401,
      'Authorization_IdentityNotFound',
      'The identity of the calling application could not be established.',
    ),
  denied: () =>
    new GraphError(
      403,
      'Authorization_RequestDenied',
      'Insufficient privileges to complete the operation.',
    ),
  quota: () =>
    new GraphError(
      403,
      'Directory_QuotaExceeded',
      'The directory object quota limit for the Tenant has been exceeded. Please ask your administrator to increase the quota limit or delete objects to reduce the used quota.',
    ),
} as const

/** Query options. */
export const queryErrors = {
  unsupported: () => unsupported('Unsupported Query.'),
  unsupportedFilter: (kind: Kind, name: string) =>
    unsupported(
      `Unsupported or invalid query filter clause specified for property '${name}' of resource '${resourceName[kind]}'.`,
    ),
  tooManyClauses: (count: number) =>
    unsupported(
      `Too many child clauses specified in search filter expression containing 'OR' operators: ${count}. Max allowed: 15.`,
    ),
  searchHeader: () =>
    unsupported(
      "Request with $search query parameter only works through MSGraph with a special request header: 'ConsistencyLevel: eventual'",
    ),
  searchSyntax: (clause: string) =>
    invalidPayload(`Syntax error in the $search clause ${clause}: expected "property:value".`),
  unsupportedSearch: (name: string) =>
    unsupported(`Property '${name}' does not support the $search query.`),
  unsortable: () => unsupported('Sorting not supported for current query.'),
  invalidFilter: () => invalidPayload('Invalid filter clause.'),
  pageSize: (size: string) =>
    unsupported(`Invalid page size specified: '${size}'. Must be between 1 and 999 inclusive.`),
  countNotSupported: () => badRequest('$count is not currently supported.'),
  expiredPage: () =>
    new GraphError(
      400,
      'Directory_ExpiredPageToken',
      'The specified page token value has expired and can no longer be included in your request.',
    ),
  unknownSelect: (name: string, type: string) =>
    invalidPayload(
      `Parsing OData Select and Expand failed: Could not find a property named '${name}' on type '${type}'.`,
    ),
} as const

/** Delta queries. */
export const deltaErrors = {
  badToken: () => invalidPayload('Badly formed token.'),
  expiredToken: () =>
    new GraphError(
      400,
      'syncStateNotFound',
      'The sync state generation is not found. The delta token is expired and data must be synchronized again.',
    ),
  resync: (location: string) =>
    new GraphError(
      410,
      'resyncRequired',
      "Resync required. Replace any local items with the server's version.",
      {
        headers: { Location: location },
      },
    ),
  unsupportedFilter: () => unsupported('Unsupported or invalid query filter clause specified.'),
  tooManyIds: (count: number) =>
    unsupported(`Too many objects to track: ${count}. Max allowed: 50.`),
} as const

/** Bodies and batches. */
export const payloadErrors = {
  notJson: () =>
    invalidPayload(
      'Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.',
    ),
  empty: () => invalidPayload('Empty Payload. JSON content expected.'),
  mediaType: () => new GraphError(415, 'Request_BadRequest', 'Unsupported media type.'),
  batchFormat: () => invalidPayload('Invalid batch payload format.'),
  batchTooLarge: () =>
    new GraphError(
      400,
      'MaximumValueExceeded',
      'Number of batch request steps exceeds the maximum value of 20.',
    ),
  batchDuplicateId: () => invalidPayload('Request Id has to be unique in a batch.'),
  batchAbsoluteUrl: (id: string) =>
    invalidPayload(`Request with id '${id}' must have a relative url.`),
  batchContentType: (id: string) =>
    invalidPayload(`Write request with id '${id}' does not contain a Content-Type header.`),
  batchBody: (id: string) =>
    invalidPayload(`Write request id : ${id} does not contain Content-Type header or body.`),
  batchDependsOn: () =>
    invalidPayload('Unsupported dependsOn: use none, a chain, or one common request.'),
  batchNested: () => invalidPayload('A batch cannot contain another batch.'),
  failedDependency: () =>
    new GraphError(424, 'FailedDependency', 'A request that this one depends on has failed.'),
} as const

/** Failures of the service itself, which only faults produce, by status. */
const SERVICE_FAILURES: Readonly<Record<number, readonly [code: string, message: string]>> = {
  401: ['InvalidAuthenticationToken', 'Access token has expired or is not yet valid.'],
  403: ['Authorization_RequestDenied', 'Insufficient privileges to complete the operation.'],
  400: ['Request_BadRequest', 'One or more properties contains invalid values.'],
  404: [
    'Request_ResourceNotFound',
    'Resource does not exist or one of its queried reference-property objects are not present.',
  ],
  409: [
    'Directory_ConcurrencyViolation',
    'Error due to concurrent requests being made to the tenant. Please wait briefly and retry.',
  ],
  423: ['Locked', 'The resource is locked.'],
  429: ['TooManyRequests', 'Please retry again later.'],
  500: ['Service_InternalServerError', 'Encountered an internal server error.'],
  502: ['BadGateway', 'Bad gateway.'],
  503: ['serviceNotAvailable', 'The service is temporarily unavailable.'],
  504: ['UnknownError', ''],
  507: ['quotaLimitReached', 'Insufficient storage.'],
}

/** The service's usual error of a status. */
export function serviceFailure(
  status: number,
  override: { code?: string; message?: string; headers?: Record<string, string> } = {},
): GraphError {
  const [code, message] = SERVICE_FAILURES[status] ?? ['UnknownError', '']
  return new GraphError(status, override.code ?? code, override.message ?? message, {
    headers: override.headers ?? {},
  })
}

/** The JSON envelope of an error. */
export function errorBody(error: GraphError, trace: ErrorTrace): JsonObject {
  const details: Json[] | undefined = error.details?.map((detail) => ({ ...detail }))
  return {
    error: {
      code: error.code,
      message: error.message,
      ...(details ? { details } : {}),
      innerError: error.status === 429 ? throttledInner(trace) : innerError(trace),
    },
  }
}

export interface ErrorTrace {
  readonly date: string
  readonly requestId: string
  readonly clientRequestId: string
}

const innerError = (trace: ErrorTrace): JsonObject => ({
  date: trace.date,
  'request-id': trace.requestId,
  'client-request-id': trace.clientRequestId,
})

const throttledInner = (trace: ErrorTrace): JsonObject => ({
  code: '429',
  date: trace.date,
  message: 'Please retry after',
  'request-id': trace.requestId,
  status: '429',
})
