import { describe, expect, it } from 'vitest'
import type { Envelope } from '../../src/graph/batch.ts'
import type { TransportAnswer } from '../../src/graph/transport.ts'
import { sendWaves } from '../../src/graph/waves.ts'
import { answered, fakeTransport } from './fakes.ts'

const envelope = (id: string, serial = false): Envelope => ({
  items: [{ id, request: { method: 'DELETE', url: `/users/${id}` } }],
  serial,
})
const envelopes = (count: number) => Array.from({ length: count }, (_, i) => envelope(`u${i}`))
const oneResponse = (status: number, headers = {}): TransportAnswer =>
  answered(200, { responses: [{ id: '1', status, headers }] })

/** A transport whose answers are given by hand, in the order of the requests. */
function slowTransport() {
  const pending: ((answer: TransportAnswer) => void)[] = []
  const urls: string[] = []
  const { transport } = fakeTransport(
    (request) =>
      new Promise((resolve) => {
        urls.push(JSON.stringify(request.body).match(/users\/(\w+)/)?.[1] ?? '')
        pending.push(resolve)
      }),
  )
  const settle = async (place: number, answer = oneResponse(204)) => {
    pending[place]?.(answer)
    await new Promise((resolve) => setTimeout(resolve))
  }
  return { transport, urls, settle }
}

describe('many envelopes', () => {
  it('are begun in order, four in flight at most', async () => {
    const { transport, urls, settle } = slowTransport()
    const all = sendWaves(transport, envelopes(6))
    await settle(99)
    expect(urls).toEqual(['u0', 'u1', 'u2', 'u3'])
    await settle(2)
    expect(urls).toEqual(['u0', 'u1', 'u2', 'u3', 'u4'])
    for (const place of [0, 1, 3, 4, 5]) await settle(place)
    const answers = await all
    expect([...answers.keys()].toSorted()).toEqual(['u0', 'u1', 'u2', 'u3', 'u4', 'u5'])
    expect([...answers.values()].every((answer) => answer.kind === 'answered')).toBe(true)
  })

  it('have one serial envelope among them at a time', async () => {
    const { transport, urls, settle } = slowTransport()
    const list = [envelope('s1', true), envelope('s2', true), envelope('p1'), envelope('s3', true)]
    const all = sendWaves(transport, list)
    await settle(99)
    expect(urls).toEqual(['s1', 'p1'])
    await settle(1)
    expect(urls).toEqual(['s1', 'p1'])
    await settle(0)
    expect(urls).toEqual(['s1', 'p1', 's2'])
    await settle(2)
    await settle(3)
    expect((await all).size).toBe(4)
  })

  it.each([
    ['is throttled', oneResponse(429), 'answered'],
    ['is throttled as a whole', answered(429), 'answered'],
    ['has no answer', { kind: 'unanswered', why: 'timeout' }, 'unanswered'],
    ['finds Graph down', answered(503), 'unanswered'],
  ] as const)('are not begun any more once one %s', async (_, answer, kind) => {
    const { transport, urls, settle } = slowTransport()
    const all = sendWaves(transport, envelopes(7))
    await settle(99)
    await settle(1, answer)
    for (const place of [0, 2, 3]) await settle(place)
    const answers = await all
    expect(urls).toHaveLength(4)
    expect(answers.get('u1')?.kind).toBe(kind)
    expect(answers.get('u3')).toMatchObject({ status: 204 })
    for (const id of ['u4', 'u5', 'u6'])
      expect(answers.get(id)).toEqual({ kind: 'not_executed', why: 'not_sent' })
  })

  it('go on after a failure of one item that concerns nobody else', async () => {
    const { transport } = fakeTransport(async () => oneResponse(500))
    const answers = await sendWaves(transport, envelopes(9))
    expect([...answers.values()].every((answer) => answer.kind === 'answered')).toBe(true)
  })

  it('are not begun any more once one may not start', async () => {
    const { transport, sent } = fakeTransport(async () => oneResponse(204))
    let allowed = 3
    const mayStart = async () => allowed-- > 0
    const answers = await sendWaves(transport, envelopes(8), { inFlight: 2, mayStart })
    expect(sent).toHaveLength(3)
    expect(answers.size).toBe(8)
    const unsent = [...answers.values()].filter(({ kind }) => kind === 'not_executed')
    expect(unsent).toHaveLength(5)
  })

  it('are not begun when another was throttled while they asked', async () => {
    const { transport, sent } = fakeTransport(async () => oneResponse(429))
    const asked: (() => void)[] = []
    const mayStart = ({ items }: Envelope) =>
      items[0]?.id === 'u0' || new Promise<boolean>((resolve) => asked.push(() => resolve(true)))
    const all = sendWaves(transport, envelopes(2), { mayStart })
    await new Promise((resolve) => setTimeout(resolve))
    for (const answer of asked) answer()
    expect((await all).get('u1')).toMatchObject({ kind: 'not_executed' })
    expect(sent).toHaveLength(1)
  })

  it('may be none', async () => {
    const { transport } = fakeTransport(async () => oneResponse(204))
    expect((await sendWaves(transport, [])).size).toBe(0)
  })
})
