import { describe, expect, it } from 'vitest'

import { loadCycle } from './cycle.ts'
import { newMemory, NoAnswer, play, WrongAnswer } from './player.ts'

const parts = loadCycle()
const [, users] = parts
const few = users === undefined ? [] : [{ ...users, exchanges: users.exchanges.slice(0, 6) }]

/** Creates and finds users by name; `lose` says whether an answer gets lost on its way back. */
function fakeScim(lose: (method: string, count: number) => boolean = () => false) {
  const names: string[] = []
  let count = 0
  const answer = (method: string, url: URL, body: string): Response => {
    if (method === 'POST') {
      const { userName } = JSON.parse(body) as { userName: string }
      if (names.includes(userName)) return Response.json({}, { status: 409 })
      names.push(userName)
      return Response.json({ id: `usr_${names.length}` }, { status: 201 })
    }
    const wanted = /"(.*)"/.exec(url.searchParams.get('filter') ?? '')?.[1] ?? ''
    const place = names.indexOf(wanted)
    const Resources = place < 0 ? [] : [{ id: `usr_${place + 1}` }]
    return Response.json({ totalResults: Resources.length, Resources })
  }
  const call: typeof fetch = async (input, init) => {
    const method = init?.method ?? 'GET'
    const body = typeof init?.body === 'string' ? init.body : ''
    const response = answer(method, new URL(input instanceof Request ? input.url : input), body)
    if (lose(method, (count += 1))) throw new TypeError('fetch failed')
    return response
  }
  return { names, call }
}

const options = (call: typeof fetch) => ({
  base: 'http://scim.test',
  token: 't',
  memory: newMemory(),
  fetch: call,
  concurrency: 1,
})

describe('playing the cycle', () => {
  it('creates what it does not find', async () => {
    const scim = fakeScim()
    const settings = options(scim.call)
    await play(few, settings)
    expect(scim.names).toHaveLength(3)
    expect(settings.memory.ids.get('user:adele.vance@contoso.com')).toBe('usr_1')
    expect(settings.memory.found.size).toBe(0)
  })

  it('creates nothing twice when it is played again', async () => {
    const scim = fakeScim()
    await play(few, options(scim.call))
    const again = options(scim.call)
    await play(few, again)
    expect(scim.names).toHaveLength(3)
    expect(again.memory.found.size).toBe(3)
  })

  it('looks again for what it created without an answer', async () => {
    const scim = fakeScim((method, count) => method === 'POST' && count === 4)
    const settings = options(scim.call)
    await expect(play(few, settings)).rejects.toThrow(NoAnswer)
    expect(scim.names).toHaveLength(2)
    await play(few, settings)
    expect(scim.names).toHaveLength(3)
    expect(settings.memory.ids.size).toBe(3)
  })

  it('stops at a wrong answer, and says which step it was', async () => {
    const call: typeof fetch = async () => Response.json({ detail: 'broken' }, { status: 500 })
    const played = play(few, options(call))
    await expect(played).rejects.toThrow(WrongAnswer)
    await expect(played).rejects.toThrow(/find adele\.vance@contoso\.com.*500[^]*broken/)
  })
})
