import { describe, expect, it } from 'vitest'
import { toScimError, type ScimError, type ScimFault } from '../../src/scim/fault.ts'

interface Case {
  readonly fault: ScimFault
  readonly answer: Omit<ScimError, 'detail'>
  /** What the text for the administrator has to name. */
  readonly says: readonly string[]
}

/** One for every kind of fault: a new kind does not compile until its answer is expected here. */
const CASES: { readonly [K in ScimFault['kind']]: Case & { readonly fault: { kind: K } } } = {
  invalidSyntax: {
    fault: { kind: 'invalidSyntax', reason: 'Operations is missing.' },
    answer: { status: 400, scimType: 'invalidSyntax' },
    says: ['Operations is missing.'],
  },
  invalidFilter: {
    fault: { kind: 'invalidFilter', filter: 'a b', position: 2, reason: 'no operator' },
    answer: { status: 400, scimType: 'invalidFilter' },
    says: ['"a b"', 'at character 3', 'no operator'],
  },
  invalidPath: {
    fault: { kind: 'invalidPath', path: 'x', reason: 'no such attribute' },
    answer: { status: 400, scimType: 'invalidPath' },
    says: ['"x"', 'no such attribute'],
  },
  invalidValue: {
    fault: { kind: 'invalidValue', attribute: 'title', reason: 'a text is expected' },
    answer: { status: 400, scimType: 'invalidValue' },
    says: ['title', 'a text is expected'],
  },
  noTarget: {
    fault: { kind: 'noTarget', path: 'emails[type ne "work"]' },
    answer: { status: 400, scimType: 'noTarget' },
    says: ['emails[type ne "work"]', 'matches no value'],
  },
  mutability: {
    fault: { kind: 'mutability', attribute: 'groups', reason: 'it is read-only' },
    answer: { status: 400, scimType: 'mutability' },
    says: ['groups', 'it is read-only'],
  },
  uniqueness: {
    fault: { kind: 'uniqueness', attribute: 'userName', value: 'ann', existingId: 'usr_1' },
    answer: { status: 409, scimType: 'uniqueness' },
    says: ['userName "ann"', 'used by usr_1'],
  },
  tooMany: {
    fault: { kind: 'tooMany', reason: 'Ask for less.' },
    answer: { status: 400, scimType: 'tooMany' },
    says: ['Ask for less.'],
  },
  conflict: {
    fault: { kind: 'conflict', reason: 'Another operation deleted it.' },
    answer: { status: 409 },
    says: ['Another operation deleted it.'],
  },
  invalidVersion: {
    fault: { kind: 'invalidVersion', reason: 'No version is called so.' },
    answer: { status: 400, scimType: 'invalidVers' },
    says: ['No version is called so.'],
  },
  invalidCursor: {
    fault: { kind: 'invalidCursor' },
    answer: { status: 400, scimType: 'invalidCursor' },
    says: ['empty cursor', 'nextCursor'],
  },
  expiredCursor: {
    fault: { kind: 'expiredCursor', timeoutSeconds: 3600 },
    answer: { status: 400, scimType: 'expiredCursor' },
    says: ['3600 seconds', 'empty cursor'],
  },
  invalidCount: {
    fault: { kind: 'invalidCount', reason: 'it is no number' },
    answer: { status: 400, scimType: 'invalidCount' },
    says: ['count', 'it is no number'],
  },
  unauthorized: {
    fault: { kind: 'unauthorized', reason: 'The token has expired.' },
    answer: { status: 401 },
    says: ['The token has expired.'],
  },
  forbidden: {
    fault: { kind: 'forbidden', reason: 'The source may not do this.' },
    answer: { status: 403 },
    says: ['The source may not do this.'],
  },
  notFound: {
    fault: { kind: 'notFound', what: 'User usr_1' },
    answer: { status: 404 },
    says: ['User usr_1 was not found'],
  },
  methodNotAllowed: {
    fault: { kind: 'methodNotAllowed', method: 'DELETE', allowed: 'GET, POST' },
    answer: { status: 405 },
    says: ['DELETE', 'GET, POST'],
  },
  versionMismatch: {
    fault: { kind: 'versionMismatch', current: 'W/"8"' },
    answer: { status: 412 },
    says: ['W/"8"', 'Read it again'],
  },
  payloadTooLarge: {
    fault: { kind: 'payloadTooLarge', limitBytes: 1000 },
    answer: { status: 413 },
    says: ['1000 bytes', 'less'],
  },
  tooManyOperations: {
    fault: { kind: 'tooManyOperations', limit: 50 },
    answer: { status: 413 },
    says: ['50 operations', 'maxOperations', 'several requests'],
  },
  unsupportedMediaType: {
    fault: { kind: 'unsupportedMediaType', contentType: 'text/xml' },
    answer: { status: 415 },
    says: ['text/xml', 'application/scim+json'],
  },
  tooManyRequests: {
    fault: { kind: 'tooManyRequests', retryAfterSeconds: 3 },
    answer: { status: 429, retryAfterSeconds: 3 },
    says: ['wait 3 seconds'],
  },
  notImplemented: {
    fault: { kind: 'notImplemented', what: 'The endpoint /Me' },
    answer: { status: 501 },
    says: ['/Me is not supported'],
  },
  busy: {
    fault: { kind: 'busy', retryAfterSeconds: 2 },
    answer: { status: 503, retryAfterSeconds: 2 },
    says: ['nothing was changed', '2 seconds'],
  },
  unavailable: {
    fault: { kind: 'unavailable', reason: 'The issuer does not answer.', retryAfterSeconds: 30 },
    answer: { status: 503, retryAfterSeconds: 30 },
    says: ['issuer'],
  },
  internal: {
    fault: { kind: 'internal', requestId: 'req_7' },
    answer: { status: 500 },
    says: ['req_7'],
  },
}

describe('toScimError', () => {
  it.each(Object.entries<Case>(CASES))(
    'answers %s with its status and keyword, and says what to do about it',
    (_kind, { fault, answer, says }) => {
      const { detail, ...rest } = toScimError(fault)
      expect(rest).toEqual(answer)
      for (const text of says) expect(detail).toContain(text)
    },
  )

  it('says of a remove without path what it lacks', () => {
    const { status, scimType, detail } = toScimError({ kind: 'noTarget', path: '' })
    expect([status, scimType]).toEqual([400, 'noTarget'])
    expect(detail).toMatch(/needs a path/)
  })

  it('names no place in a filter that is wrong as a whole', () => {
    const { detail } = toScimError({ kind: 'invalidFilter', filter: 'x pr', reason: 'unknown' })
    expect(detail).toBe('The filter "x pr" cannot be used: unknown.')
  })

  it('says that a value is taken when it may not say by whom', () => {
    const { detail } = toScimError({ kind: 'uniqueness', attribute: 'userName', value: 'ann' })
    expect(detail).toBe('userName "ann" is already used by another resource.')
  })

  it('shows only the beginning of a long text that a stranger sent', () => {
    const sent = 'x'.repeat(10_000)
    const faults: readonly ScimFault[] = [
      { kind: 'invalidFilter', filter: sent, reason: 'r' },
      { kind: 'invalidPath', path: sent, reason: 'r' },
      { kind: 'invalidValue', attribute: sent, reason: 'r' },
      { kind: 'noTarget', path: sent },
      { kind: 'uniqueness', attribute: 'userName', value: sent },
      { kind: 'unsupportedMediaType', contentType: sent },
    ]
    for (const fault of faults) expect(toScimError(fault).detail.length).toBeLessThan(400)
  })
})
