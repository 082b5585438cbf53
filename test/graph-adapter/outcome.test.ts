import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { InnerAnswer } from '../../src/graph/batch.ts'
import { parseGraphError } from '../../src/graph/graph-error.ts'
import { matches } from '../../src/graph/outcome-match.ts'
import { OUTCOME_TABLE } from '../../src/graph/outcome-table.ts'
import { PERMISSIONS } from '../../src/graph/outcome-texts.ts'
import { classifyAnswer, type Purpose, type WriteContext } from '../../src/graph/outcome.ts'
import type { Json } from '../../src/kernel/json.ts'
import { HOLDER, OUTCOME_CASES, type OutcomeCase } from './outcome-cases.ts'

const UPDATE: WriteContext = {
  purpose: 'update_user',
  request: { method: 'PATCH', url: '/users/1', body: { city: 'Bonn' } },
}
const CREATE: WriteContext = {
  purpose: 'create_user',
  request: { method: 'POST', url: '/users', body: {} },
}
const READ: WriteContext = { purpose: 'read', request: { method: 'GET', url: '/users/1' } }

const contextOf = (each: OutcomeCase): WriteContext => ({ ...UPDATE, ...each.context })

function answerOf(each: OutcomeCase): Extract<InnerAnswer, { kind: 'answered' }> {
  const { code = 'x', message = 'x', details, status, headers = {} } = each
  const innerError = { date: '2026-01-01T00:00:00', 'request-id': 'r-inner' }
  const error = { code, message, innerError, ...(details === undefined ? {} : { details }) }
  return { kind: 'answered', status, headers, body: { error } }
}

const plain = (status: number, body?: Json): InnerAnswer => ({
  kind: 'answered',
  status,
  headers: {},
  body,
})

describe("Graph's error catalogue", () => {
  it.each(OUTCOME_CASES)('$status $row: $outcome.kind', (each) => {
    const answer = answerOf(each)
    const error = parseGraphError(answer.body, answer.headers)
    const row = OUTCOME_TABLE.find((row) => matches(row, each.status, error, contextOf(each)))
    expect(row?.name).toBe(each.row)
    const outcome = classifyAnswer(answer, contextOf(each))
    expect(outcome).toMatchObject({ ...each.outcome, requestId: 'r-inner' })
    expect(JSON.stringify(outcome)).not.toMatch(/[{]\w+[}]/)
  })

  it('has an example for every row', () => {
    const examples = new Set(OUTCOME_CASES.map(({ row }) => row))
    const missing = OUTCOME_TABLE.filter(({ name }) => !examples.has(name))
    expect(missing.map(({ name }) => name)).toEqual([])
  })

  it('names no row twice', () => {
    expect(new Set(OUTCOME_TABLE.map(({ name }) => name)).size).toBe(OUTCOME_TABLE.length)
  })
})

describe('an answer', () => {
  it.each([200, 201, 204])('of %d is a success', (status) => {
    expect(classifyAnswer(plain(status), UPDATE)).toEqual({ kind: 'done' })
    expect(classifyAnswer(plain(status, { value: true }), UPDATE)).toEqual({
      kind: 'done',
      body: { value: true },
    })
  })

  it('to a create is a success only with the id of the new user', () => {
    expect(classifyAnswer(plain(201, { id: HOLDER }), CREATE)).toMatchObject({ kind: 'done' })
    for (const body of [undefined, {}, { id: 1 }])
      expect(classifyAnswer(plain(201, body), CREATE).kind).toBe('unknown')
  })

  it.each(['timeout', 'network', 'truncated', 'missing', 'server_error'] as const)(
    'that is none (%s) leaves a write unknown, and a read to be repeated',
    (why) => {
      const none: InnerAnswer = { kind: 'unanswered', why, requestId: 'r', retryAfter: '30' }
      expect(classifyAnswer(none, UPDATE)).toEqual({
        kind: 'unknown',
        reason: why,
        afterSeconds: 30,
        requestId: 'r',
      })
      expect(classifyAnswer(none, READ)).toMatchObject({ kind: 'retry', reason: 'no_answer' })
    },
  )

  it('that was never asked for is no attempt, one refused with its envelope is', () => {
    const notSent: InnerAnswer = { kind: 'not_executed', why: 'not_sent' }
    expect(classifyAnswer(notSent, CREATE)).toMatchObject({ kind: 'retry', countsAsAttempt: false })
    const refused: InnerAnswer = { kind: 'not_executed', why: 'envelope_refused', status: 404 }
    expect(classifyAnswer(refused, UPDATE)).toMatchObject({ kind: 'retry', countsAsAttempt: true })
  })

  it('without a token pauses the connection, or waits', () => {
    const failure = { code: 'AADSTS7000222', message: 'expired', requestId: 't' }
    const permanent: InnerAnswer = {
      kind: 'auth_failed',
      failure: { kind: 'permanent', ...failure, whatToDo: 'renew' },
    }
    expect(classifyAnswer(permanent, UPDATE)).toEqual({
      kind: 'authError',
      scope: 'connection',
      whatToDo: 'renew',
      ...failure,
    })
    const transient: InnerAnswer = {
      kind: 'auth_failed',
      failure: { kind: 'transient', ...failure, retryAfterSeconds: 60 },
    }
    expect(classifyAnswer(transient, UPDATE)).toMatchObject({
      kind: 'retry',
      reason: 'login_unavailable',
      afterSeconds: 60,
      countsAsAttempt: false,
    })
  })

  it('of a kind that no row knows is permanent below 500 and unknown above', () => {
    expect(classifyAnswer(plain(400), UPDATE)).toMatchObject({
      kind: 'permanent',
      code: 'rejected',
    })
    expect(classifyAnswer(plain(451), UPDATE)).toMatchObject({
      kind: 'permanent',
      code: 'rejected',
    })
    expect(classifyAnswer(plain(520), UPDATE)).toMatchObject({ kind: 'unknown' })
  })

  it('to a password names the permission that passwords need', () => {
    const body = { error: { code: 'Authorization_RequestDenied', message: '' } }
    const request = { ...UPDATE.request, body: { passwordProfile: { password: 'hunter2' } } }
    const outcome = classifyAnswer(plain(403, body), { ...UPDATE, request })
    expect(outcome).toMatchObject({
      kind: 'privilegedTarget',
      message: expect.stringContaining('User-PasswordProfile.ReadWrite.All'),
    })
    expect(JSON.stringify(outcome)).not.toContain('hunter2')
  })

  it("keeps Graph's words, but short and without secrets", () => {
    const message = `client_secret=hunter2 ${'x'.repeat(1000)}`
    const outcome = classifyAnswer(plain(400, { error: { code: 'Odd', message } }), UPDATE)
    expect(outcome).toMatchObject({ kind: 'permanent', graphCode: 'Odd' })
    const text = outcome.kind === 'permanent' ? outcome.graphMessage : ''
    expect(text).toHaveLength(300)
    expect(outcome).toMatchObject({ message: `Microsoft 365 refused the request: ${text}` })
    expect(text).not.toContain('hunter2')
  })

  it('has an outcome whatever it holds', () => {
    const purposes = Object.keys(PERMISSIONS) as Purpose[]
    fc.assert(
      fc.property(
        fc.integer({ min: 100, max: 599 }),
        fc.jsonValue(),
        fc.constantFrom(...purposes),
        (status, value, purpose) => {
          for (const body of [
            value,
            { error: value },
            { error: { code: value, message: value, details: value } },
          ]) {
            const outcome = classifyAnswer(plain(status, body as Json), { ...UPDATE, purpose })
            expect(outcome.kind).toMatch(/^\w+$/)
            const success = outcome.kind === 'done' || outcome.kind === 'alreadyDone'
            expect(success && status >= 300).toBe(false)
          }
        },
      ),
    )
  })
})

describe("Graph's error envelope", () => {
  it.each([
    [undefined, {}],
    [null, {}],
    ['text', {}],
    [{ error: 'invalid' }, {}],
    [{ error: { code: 'A', message: { lang: 'en', value: 'B' } } }, { code: 'A', message: 'B' }],
    [
      { error: { code: 'A', details: { code: 'D', target: 'T' } } },
      { code: 'A', details: [{ code: 'D', target: 'T' }] },
    ],
    [{ error: { details: ['x', null, { code: 1 }] } }, { details: [{ code: '', target: '' }] }],
    [{ error: { innererror: { requestId: 'r' } } }, { requestId: 'r' }],
  ] as const)('is read from %j', (body, expected) => {
    const error = parseGraphError(body, {})
    expect(error).toEqual({ code: '', message: '', details: [], ...expected })
  })

  it('gives the request id of the headers before that of the inner error', () => {
    const body = { error: { innerError: { 'request-id': 'inner' } } }
    expect(parseGraphError(body, { 'request-id': 'header' }).requestId).toBe('header')
  })
})
