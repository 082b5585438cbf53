import { describe, expect, it } from 'vitest'
import { createTokenSource, type GraphAccount } from '../../src/graph/token.ts'
import { ACCOUNT, fakeClock, fakeFetch, json, silence, type Seen } from './fakes.ts'

const MINUTE = 60_000
const granted = (token: string, expiresIn = 3599) =>
  json(200, { token_type: 'Bearer', expires_in: expiresIn, access_token: token })
const refused = (code: number, status = 400, text = `AADSTS${code}: ada@contoso.com hunter2`) =>
  json(status, {
    error: 'invalid_client',
    error_description: text,
    error_codes: [code],
    trace_id: 'trace-1',
  })

const formOf = (seen: Seen | undefined) => new URLSearchParams(seen?.init.body as string)

function sourceWith(...answers: Parameters<typeof fakeFetch>) {
  const clock = fakeClock()
  const { fetch, seen } = fakeFetch(...answers)
  const source = createTokenSource({
    fetch,
    clock,
    loginBaseUrl: 'https://login.example',
    graphBaseUrl: 'https://graph.microsoft.com/v1.0',
    timeoutMs: 30,
  })
  return { source, clock, seen }
}

describe('a token source', () => {
  it('asks Entra ID with the form of the client credentials grant', async () => {
    const { source, seen } = sourceWith(granted('t1'))
    expect(await source.token(ACCOUNT)).toEqual({ ok: true, value: 't1' })
    expect(seen[0]?.url).toBe(`https://login.example/${ACCOUNT.tenantId}/oauth2/v2.0/token`)
    expect(seen[0]?.init.method).toBe('POST')
    expect(new Headers(seen[0]?.init.headers).get('content-type')).toBe(
      'application/x-www-form-urlencoded',
    )
    expect(Object.fromEntries(formOf(seen[0]))).toEqual({
      client_id: ACCOUNT.clientId,
      scope: 'https://graph.microsoft.com/.default',
      client_secret: 'hunter2~secret',
      grant_type: 'client_credentials',
    })
  })

  it("asks for a national cloud's own Graph", async () => {
    const { fetch, seen } = fakeFetch(granted('t1'))
    const source = createTokenSource({
      fetch,
      clock: fakeClock(),
      loginBaseUrl: 'https://login.microsoftonline.us',
      graphBaseUrl: 'https://graph.microsoft.us/v1.0',
    })
    await source.token(ACCOUNT)
    const form = formOf(seen[0])
    expect(form.get('scope')).toBe('https://graph.microsoft.us/.default')
  })

  it('keeps a token until five minutes before its end', async () => {
    const { source, clock, seen } = sourceWith(granted('t1', 3600), granted('t2', 3600))
    await source.token(ACCOUNT)
    clock.advance(55 * MINUTE - 1)
    expect(await source.token(ACCOUNT)).toEqual({ ok: true, value: 't1' })
    clock.advance(1)
    expect(await source.token(ACCOUNT)).toEqual({ ok: true, value: 't2' })
    expect(seen).toHaveLength(2)
  })

  it('uses a token that lives shorter than that for half its life', async () => {
    const { source, clock, seen } = sourceWith(granted('t1', 60))
    await source.token(ACCOUNT)
    clock.advance(29_000)
    await source.token(ACCOUNT)
    expect(seen).toHaveLength(1)
    clock.advance(2_000)
    await source.token(ACCOUNT)
    expect(seen).toHaveLength(2)
  })

  it('forgets a token that Graph refused, and no newer one', async () => {
    const { source, seen } = sourceWith(granted('t1'), granted('t2'))
    await source.token(ACCOUNT)
    source.forget(ACCOUNT, 't1')
    await source.token(ACCOUNT)
    source.forget(ACCOUNT, 't1')
    expect(await source.token(ACCOUNT)).toEqual({ ok: true, value: 't2' })
    expect(seen).toHaveLength(2)
  })

  it('gives no cached token to whoever knows tenant and client but another secret', async () => {
    const { source } = sourceWith(granted('t1'), refused(7000215, 401))
    await source.token(ACCOUNT)
    const stranger: GraphAccount = {
      ...ACCOUNT,
      credential: { type: 'client_secret', secret: 'guess' },
    }
    expect(await source.token(stranger)).toMatchObject({ ok: false })
  })

  it('keeps at most 200 tokens', async () => {
    const { source, seen } = sourceWith(granted('t'))
    for (let i = 0; i <= 200; i++) await source.token({ ...ACCOUNT, clientId: `client-${i}` })
    await source.token({ ...ACCOUNT, clientId: 'client-200' })
    expect(seen).toHaveLength(201)
    await source.token({ ...ACCOUNT, clientId: 'client-0' })
    expect(seen).toHaveLength(202)
  })

  it('does not remember a failure', async () => {
    const { source } = sourceWith(refused(90033), granted('t1'))
    expect((await source.token(ACCOUNT)).ok).toBe(false)
    expect(await source.token(ACCOUNT)).toEqual({ ok: true, value: 't1' })
  })
})

describe('a refusal by Entra ID', () => {
  it.each([
    7000215, 7000222, 700016, 7000229, 90002, 900023, 700027, 700021, 700023, 700024, 700213, 70021,
    7000112, 53003, 500011, 65001,
  ])('with AADSTS%d is permanent and tells the administrator what to do', async (code) => {
    const result = await sourceWith(refused(code, 401)).source.token(ACCOUNT)
    expect(result).toMatchObject({
      ok: false,
      error: { kind: 'permanent', code: `AADSTS${code}`, requestId: 'trace-1' },
    })
    const text = JSON.stringify(result)
    expect(text).toMatch(/"whatToDo":"[A-Z].{20,}"/)
    expect(text).not.toContain(`refused the application (AADSTS`)
  })

  it('with a code nobody knows is permanent too', async () => {
    const result = await sourceWith(refused(1234567)).source.token(ACCOUNT)
    expect(result).toMatchObject({ error: { kind: 'permanent', code: 'AADSTS1234567' } })
  })

  it('never repeats the secret or what Entra ID wrote', async () => {
    const text = JSON.stringify(await sourceWith(refused(7000215)).source.token(ACCOUNT))
    expect(text).not.toContain('hunter2')
    expect(text).not.toContain('ada@contoso.com')
  })

  it.each([90033, 50196])('with AADSTS%d passes', async (code) => {
    const result = await sourceWith(refused(code)).source.token(ACCOUNT)
    expect(result).toMatchObject({ error: { kind: 'transient', code: `AADSTS${code}` } })
  })

  it.each([700016, 7000229])(
    'with AADSTS%d passes within five minutes of connecting',
    async (code) => {
      const { source, clock } = sourceWith(refused(code))
      const account = { ...ACCOUNT, connectedAt: clock.now() - 4 * MINUTE }
      expect(await source.token(account)).toMatchObject({ error: { kind: 'transient' } })
      clock.advance(2 * MINUTE)
      expect(await source.token(account)).toMatchObject({ error: { kind: 'permanent' } })
    },
  )

  it('is read from the text when it has no codes', async () => {
    const answer = json(400, { error_description: 'AADSTS7000222: expired' })
    const result = await sourceWith(answer).source.token(ACCOUNT)
    expect(result).toMatchObject({ error: { code: 'AADSTS7000222' } })
  })

  it.each([
    [429, { 'Retry-After': '17' }, 17],
    [503, {}, 60],
    [502, {}, 60],
  ] as const)('with status %d passes', async (status, headers, retryAfterSeconds) => {
    const answer = new Response('<html>', { status, headers })
    const result = await sourceWith(answer).source.token(ACCOUNT)
    expect(result).toMatchObject({ error: { kind: 'transient', retryAfterSeconds } })
  })

  it('that is no answer at all passes', async () => {
    const failed = await sourceWith(new TypeError('network')).source.token(ACCOUNT)
    expect(failed).toMatchObject({ error: { kind: 'transient', code: 'login_unreachable' } })
    const late = await sourceWith(silence).source.token(ACCOUNT)
    expect(late).toMatchObject({ error: { kind: 'transient', code: 'login_unreachable' } })
  })

  it('that claims success without a token passes', async () => {
    const result = await sourceWith(json(200, {})).source.token(ACCOUNT)
    expect(result).toMatchObject({ error: { kind: 'transient' } })
  })
})
