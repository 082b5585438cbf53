/**
 * Everything that a SCIM request may be refused for, each arm with its evidence.
 * `toScimError` is the one place that decides status, scimType and the text that the client reads;
 * Entra copies that text into the administrator's provisioning log, so it says what to do.
 */
export type ScimFault =
  | { readonly kind: 'invalidSyntax'; readonly reason: string }
  | {
      readonly kind: 'invalidFilter'
      readonly filter: string
      /** Zero-based offset into `filter` where it stops being understood, when there is such a place. */
      readonly position?: number
      readonly reason: string
    }
  | { readonly kind: 'invalidPath'; readonly path: string; readonly reason: string }
  | { readonly kind: 'invalidValue'; readonly attribute: string; readonly reason: string }
  /** `path` is empty when a `remove` has none (RFC 7644 section 3.5.2.2). */
  | { readonly kind: 'noTarget'; readonly path: string }
  | { readonly kind: 'mutability'; readonly attribute: string; readonly reason: string }
  | {
      readonly kind: 'uniqueness'
      readonly attribute: string
      readonly value: string
      readonly existingId?: string
      /** The one who has it is no source's: it was imported from Microsoft 365. */
      readonly isImported?: true
    }
  | { readonly kind: 'tooMany'; readonly reason: string }
  /** What other operations of the same request have come to stands in the way. */
  | { readonly kind: 'conflict'; readonly reason: string }
  | { readonly kind: 'invalidVersion'; readonly reason: string }
  | { readonly kind: 'invalidCursor' }
  | { readonly kind: 'expiredCursor'; readonly timeoutSeconds: number }
  | { readonly kind: 'invalidCount'; readonly reason: string }
  | { readonly kind: 'unauthorized'; readonly reason: string }
  | { readonly kind: 'forbidden'; readonly reason: string }
  | { readonly kind: 'notFound'; readonly what: string }
  | { readonly kind: 'methodNotAllowed'; readonly method: string; readonly allowed: string }
  | { readonly kind: 'versionMismatch'; readonly current: string }
  | { readonly kind: 'payloadTooLarge'; readonly limitBytes: number }
  | { readonly kind: 'tooManyOperations'; readonly limit: number }
  | { readonly kind: 'unsupportedMediaType'; readonly contentType: string }
  | { readonly kind: 'tooManyRequests'; readonly retryAfterSeconds: number }
  | { readonly kind: 'notImplemented'; readonly what: string }
  | { readonly kind: 'busy'; readonly retryAfterSeconds: number }
  /** Somebody else's service that is needed does not answer. */
  | { readonly kind: 'unavailable'; readonly reason: string; readonly retryAfterSeconds: number }
  | { readonly kind: 'internal'; readonly requestId: string }

/** The keywords of RFC 7644 table 9 and of RFC 9865 table 3. */
export type ScimType =
  | 'invalidFilter'
  | 'tooMany'
  | 'uniqueness'
  | 'mutability'
  | 'invalidSyntax'
  | 'invalidPath'
  | 'noTarget'
  | 'invalidValue'
  | 'invalidVers'
  | 'sensitive'
  | 'invalidCursor'
  | 'expiredCursor'
  | 'invalidCount'

export interface ScimError {
  readonly status: 400 | 401 | 403 | 404 | 405 | 409 | 412 | 413 | 415 | 429 | 500 | 501 | 503
  readonly scimType?: ScimType
  readonly detail: string
  readonly retryAfterSeconds?: number
}

/** Status, scimType and text of a fault (RFC 7644 section 3.12). */
export function toScimError(fault: ScimFault): ScimError {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the arm of a fault's kind takes that fault
  const render = ERRORS[fault.kind] as (fault: ScimFault) => ScimError
  return render(fault)
}

/** One exhaustive mapping: a new kind of fault does not compile until its answer is written here. */
const ERRORS: {
  readonly [K in ScimFault['kind']]: (fault: Extract<ScimFault, { kind: K }>) => ScimError
} = {
  invalidSyntax: ({ reason }) => ({ status: 400, scimType: 'invalidSyntax', detail: reason }),
  invalidFilter: (fault) => ({
    status: 400,
    scimType: 'invalidFilter',
    detail: filterDetail(fault),
  }),
  invalidPath: ({ path, reason }) => ({
    status: 400,
    scimType: 'invalidPath',
    detail: `The path "${excerpt(path)}" cannot be used: ${reason}.`,
  }),
  invalidValue: ({ attribute, reason }) => ({
    status: 400,
    scimType: 'invalidValue',
    detail: `The value of ${excerpt(attribute)} cannot be used: ${reason}.`,
  }),
  noTarget: ({ path }) => ({
    status: 400,
    scimType: 'noTarget',
    detail:
      path === ''
        ? 'A "remove" needs a path that says what to remove, such as "title" or "members[value eq "usr_…"]"; a whole resource is removed by DELETE.'
        : `The path "${excerpt(path)}" matches no value of this resource.`,
  }),
  mutability: ({ attribute, reason }) => ({
    status: 400,
    scimType: 'mutability',
    detail: `${excerpt(attribute)} cannot be changed: ${reason}.`,
  }),
  uniqueness: (fault) => ({ status: 409, scimType: 'uniqueness', detail: uniquenessDetail(fault) }),
  tooMany: ({ reason }) => ({ status: 400, scimType: 'tooMany', detail: reason }),
  conflict: ({ reason }) => ({ status: 409, detail: reason }),
  invalidVersion: ({ reason }) => ({ status: 400, scimType: 'invalidVers', detail: reason }),
  invalidCursor: () => ({
    status: 400,
    scimType: 'invalidCursor',
    detail:
      'This cursor is none of this list. Begin with an empty cursor, then send nextCursor or previousCursor with the other parameters unchanged.',
  }),
  expiredCursor: ({ timeoutSeconds }) => ({
    status: 400,
    scimType: 'expiredCursor',
    detail: `The cursor is older than ${timeoutSeconds} seconds (cursorTimeout). Begin again with an empty cursor.`,
  }),
  invalidCount: ({ reason }) => ({
    status: 400,
    scimType: 'invalidCount',
    detail: `The count cannot be used: ${reason}.`,
  }),
  unauthorized: ({ reason }) => ({ status: 401, detail: reason }),
  forbidden: ({ reason }) => ({ status: 403, detail: reason }),
  notFound: ({ what }) => ({ status: 404, detail: `${what} was not found.` }),
  methodNotAllowed: ({ method, allowed }) => ({
    status: 405,
    detail: `${method} is not allowed here; allowed: ${allowed}.`,
  }),
  versionMismatch: ({ current }) => ({
    status: 412,
    detail: `The resource has changed: its version is now ${current}. Read it again and repeat the change.`,
  }),
  payloadTooLarge: ({ limitBytes }) => ({
    status: 413,
    detail: `The request body is larger than ${limitBytes} bytes; send less in one request.`,
  }),
  tooManyOperations: ({ limit }) => ({
    status: 413,
    detail: `The request holds more than ${limit} operations (maxOperations); send several requests.`,
  }),
  unsupportedMediaType: ({ contentType }) => ({
    status: 415,
    detail: `The content type "${excerpt(contentType)}" is not understood; send application/scim+json.`,
  }),
  tooManyRequests: ({ retryAfterSeconds }) => ({
    status: 429,
    detail: `Too many requests; wait ${retryAfterSeconds} seconds.`,
    retryAfterSeconds,
  }),
  notImplemented: ({ what }) => ({ status: 501, detail: `${what} is not supported.` }),
  busy: ({ retryAfterSeconds }) => ({
    status: 503,
    detail: `The service is busy; nothing was changed. Repeat the request in ${retryAfterSeconds} seconds.`,
    retryAfterSeconds,
  }),
  unavailable: ({ reason, retryAfterSeconds }) => ({
    status: 503,
    detail: reason,
    retryAfterSeconds,
  }),
  internal: ({ requestId }) => ({
    status: 500,
    detail: `The request could not be handled. Give the operator this request id: ${requestId}.`,
  }),
}

function filterDetail(fault: Extract<ScimFault, { kind: 'invalidFilter' }>): string {
  const place = fault.position === undefined ? '' : ` at character ${fault.position + 1}`
  return `The filter "${excerpt(withoutPasswords(fault.filter))}" cannot be used${place}: ${fault.reason}.`
}

function uniquenessDetail(fault: Extract<ScimFault, { kind: 'uniqueness' }>): string {
  const holder = fault.existingId === undefined ? 'another resource' : fault.existingId
  const taken = `${fault.attribute} "${excerpt(fault.value)}" is already used by ${holder}`
  return fault.isImported === true ? `${taken}, ${IMPORTED}` : `${taken}.`
}

/** Whoever provisions users finds a user by its userName first, and an import chose that one. */
const IMPORTED =
  'who was imported from Microsoft 365. If both are the same person, let the client find that user: in the attribute mappings of Entra ID make emails[type eq "work"].value a second matching attribute, or map mailNickname to userName. Or rename that user to the userName that the client sends (PATCH /api/v1/users/{id}). If they are two, change the name or the address of one of them.'

/** A password is not said again, not even to whoever said it. */
const withoutPasswords = (filter: string): string =>
  filter.replaceAll(/(password"?\s+\w+\s+)"(?:[^"\\]|\\.)*"?/gi, '$1"…"')

/** What a stranger sent, short enough to be shown back. */
function excerpt(text: string): string {
  return text.length <= 200 ? text : `${text.slice(0, 200)}…`
}
