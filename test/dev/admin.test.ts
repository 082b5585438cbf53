import { Validator } from '@cfworker/json-schema'
import { describe, expect, test } from 'vitest'

import { directoryApi } from '../../src/directories/api.ts'
import { eventApi } from '../../src/events/api.ts'
import { routeAccess } from '../../src/http/access.ts'
import { openApiDocument } from '../../src/http/openapi.ts'
import { organizationApi } from '../../src/organizations/api.ts'
import { reconcileApi } from '../../src/reconcile/api.ts'
import { runAdmin } from './admin/run.ts'
import { DEMO } from './demo-credentials.ts'

interface Sent {
  readonly method: string
  readonly url: string
  readonly token: string | null
  readonly key: string | null
  readonly body: unknown
}

/** Runs a command against a gateway that answers `answers` in turn, then with an empty list. */
async function run(
  command: string | readonly string[],
  {
    env = {},
    answers = [],
    input = '',
  }: { env?: Record<string, string>; answers?: readonly Response[]; input?: string } = {},
) {
  const sent: Sent[] = []
  const left = [...answers]
  let out = ''
  let problems = ''
  const exitCode = await runAdmin(typeof command === 'string' ? command.split(' ') : command, {
    env,
    newKey: () => 'key-1',
    readInput: () => input,
    print: (text) => void (out += text),
    complain: (text) => void (problems += text),
    fetch: async (input, init) => {
      const headers = new Headers(init?.headers)
      sent.push({
        method: init?.method ?? 'GET',
        url: String(input),
        token: headers.get('Authorization'),
        key: headers.get('Idempotency-Key'),
        body: typeof init?.body === 'string' ? JSON.parse(init.body) : undefined,
      })
      return left.shift() ?? Response.json({ items: [], nextCursor: null })
    },
  })
  return { exitCode, sent, out, problems }
}

const LOCAL = 'http://127.0.0.1:8787/api/v1'
// oxlint-disable-next-line typescript/no-explicit-any -- a document is read freely in tests
const document: Record<string, any> = openApiDocument(
  [organizationApi, directoryApi, eventApi, reconcileApi],
  '/api/v1',
)

describe('commands', () => {
  test.each([
    'organizations create Contoso',
    'organization show',
    'organization update --name Contoso --event-retention-days 30',
    'admins list',
    'admins create Bob --role manager --email bob@contoso.com',
    'admins remove adm_1',
    'keys list',
    'keys create two --admin adm_1 --role read_only --expires 2099-01-01T00:00:00Z',
    'keys revoke key_1',
    'sources list',
    'sources create Entra --policy any --tenant contoso.onmicrosoft.com',
    'sources update src_1 --name Entra --policy local-part --tenant contoso.onmicrosoft.com',
    'sources update src_1 --no-tenant',
    'sources remove src_1',
    'credentials create src_1 one',
    'credentials create src_1 one --type federated --issuer https://i.test --subject s --audience a',
    'credentials revoke src_1 cred_1',
    'directories list',
    'directories create Contoso --tenant contoso.onmicrosoft.com --client 15714005-cafe-4b0b-9f00-0123456789ab',
    'directories create Contoso --tenant contoso.onmicrosoft.com --client 15714005-cafe-4b0b-9f00-0123456789ab --federated --settings {"usageLocation":"US"}',
    'directories pause dir_1',
    'directories resume dir_1',
    'directories test dir_1',
    'directories remove dir_1',
    'directories show dir_1',
    'directories update dir_1 --settings {"usageLocation":"US"}',
    'directories update dir_1 --new-secret',
    'directories update dir_1 --federated --client 15714005-cafe-4b0b-9f00-0123456789ab',
    'sources show src_1',
    'status dir_1',
    'attributes dir_1',
    'attributes dir_1 department=export manager=exclude',
    'attributes dir_1 department=export --at-sequence 12',
    'preview dir_1 --users usr_1 usr_2',
    'preview dir_1 --attributes department=export --cursor abc',
    'bindings dir_1 --state failed,held --kind user',
    'bind dir_1 --users usr_1 usr_2',
    'bind dir_1 --all',
    'bind dir_1 --users usr_1 --at-sequence 1234567',
    'unbind dir_1 --groups grp_1',
    'export dir_1 --users usr_1',
    'export dir_1 --all',
    'candidates dir_1 --q ann',
    'import dir_1 87d349ed-44d7-43e1-9a83-5f2406dee5bd --bind',
    'import dir_1 --all',
    'reconcile dir_1 --mode enforce',
    'reconcile dir_1',
    'reconciliations dir_1',
    'reconciliation rec_1',
    'reconciliation rec_1 --approve',
    'reconciliation rec_1 --reject',
    'drift rec_1',
    'failures dir_1',
    'replay dir_1',
    'replay dir_1 --all',
    'approve dir_1 --all',
    'reject dir_1 bnd_1 bnd_2',
    'undo dir_1 evt_1',
    'job job_1',
    'jobs',
    'jobs --enough 20',
    'events',
    'events --from 2026-01-01T00:00:00Z --type undo,user_create --target usr_1',
  ])('%s is a request that the admin API takes', async (command) => {
    const { sent, exitCode } = await run(command, { env: { CLIENT_SECRET: 'a secret of the app' } })
    expect(exitCode).toBe(0)
    const [request] = sent
    const { method = '', url = '', body } = request ?? {}
    const path = new URL(url).pathname.replace('/api/v1', '')
    const access = routeAccess(method, path)
    expect(access).toMatchObject({ kind: 'known' })
    const isOperators = access.kind === 'known' && access.least === 'operator'
    expect(request?.token).toBe(`Bearer ${isOperators ? DEMO.operatorToken : DEMO.apiKey}`)
    expect(request?.key).toBe(method === 'POST' ? 'key-1' : null)
    const template = Object.keys(document['paths']).find((known) =>
      new RegExp(`^${known.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path),
    )
    const described = document['paths'][template ?? ''][method.toLowerCase()]
    const schema = described.requestBody?.content['application/json'].schema
    if (schema === undefined) expect(body).toBeUndefined()
    else
      expect(new Validator(schema, '2020-12', false).validate(body)).toMatchObject({ valid: true })
  })

  test('what would mean everything for want of an option is not sent', async () => {
    for (const command of [
      'export dir_1',
      'attributes dir_1 department',
      'preview dir_1 --users',
      'preview dir_1',
      'bind dir_1',
      'import dir_1 --bind',
      'approve dir_1',
      'sources update src_1',
      'directories update dir_1',
      'organization update',
    ]) {
      const { exitCode, sent, problems } = await run(command)
      expect([exitCode, sent]).toEqual([1, []])
      expect(problems).toContain('error:')
    }
  })

  test('replay tries chosen bindings again, or all, and not both', async () => {
    for (const command of ['replay dir_1', 'replay dir_1 --all'])
      expect((await run(command)).sent).toMatchObject([
        { method: 'POST', url: `${LOCAL}/directories/dir_1/failures/replay`, body: { all: true } },
      ])
    const some = await run('replay dir_1 bnd_1 bnd_2')
    expect(some.sent[0]?.body).toEqual({ bindingIds: ['bnd_1', 'bnd_2'] })
    const both = await run('replay dir_1 bnd_1 --all')
    expect([both.exitCode, both.sent]).toEqual([1, []])
    expect(both.problems).toContain('both cannot be meant')
  })

  test('a run that is held is approved or rejected, and not both', async () => {
    const { sent } = await run('reconciliation rec_1 --approve')
    expect(sent).toMatchObject([{ method: 'POST', url: `${LOCAL}/reconciliations/rec_1/approve` }])
    const both = await run('reconciliation rec_1 --approve --reject')
    expect([both.exitCode, both.sent]).toEqual([1, []])
    expect(both.problems).toContain('cannot be used with option')
  })

  test('call sends anything else', async () => {
    const { sent } = await run(['call', 'patch', '/users/usr_1', '{"suspended":true}'])
    expect(sent).toMatchObject([
      { method: 'PATCH', url: `${LOCAL}/users/usr_1`, body: { suspended: true } },
    ])
    const wrong = await run(['call', 'patch', '/users/usr_1', '{'])
    expect([wrong.exitCode, wrong.sent]).toEqual([1, []])
    expect(wrong.problems).toBe('error: It is no JSON from line 1, column 2 on.\n')
  })

  test('a body that is no JSON is quoted nowhere: it may hold a secret', async () => {
    const { problems } = await run('call POST /directories -', { input: 'hunter2~secret\n' })
    expect(problems).toBe('error: It is no JSON from line 1, column 1 on.\n')
  })

  test('a list is every page of it', async () => {
    const answers = [
      Response.json({ items: [{ id: 1 }], nextCursor: 'next' }),
      Response.json({ items: [{ id: 2 }], nextCursor: null }),
    ]
    const { sent, out } = await run('sources list', { answers })
    expect(sent.map(({ url }) => url)).toEqual([`${LOCAL}/sources`, `${LOCAL}/sources?cursor=next`])
    expect(JSON.parse(out)).toEqual({ items: [{ id: 1 }, { id: 2 }] })
  })

  test('of the log it is enough of them and no more, and whether there are others', async () => {
    const page = (...ids: number[]) =>
      Response.json({ items: ids.map((id) => ({ id })), nextCursor: 'next' })
    const { sent, out } = await run('events --enough 3', { answers: [page(1, 2), page(3)] })
    expect(sent.map(({ url }) => url.replace(LOCAL, ''))).toEqual([
      '/events?limit=3',
      '/events?limit=1&cursor=next',
    ])
    expect(JSON.parse(out)).toEqual({ items: [{ id: 1 }, { id: 2 }, { id: 3 }], more: true })
    const { sent: many } = await run('events --enough 500', { answers: [page(1)] })
    expect(many[0]?.url).toBe(`${LOCAL}/events?limit=200`)
  })

  test('some and all are not both meant', async () => {
    for (const command of [
      'bind dir_1 --all --users usr_1',
      'unbind dir_1 --all --groups grp_1',
      'export dir_1 --all --users usr_1',
      'import dir_1 87d349ed-44d7-43e1-9a83-5f2406dee5bd --all',
      'reject dir_1 bnd_1 --all',
    ]) {
      const { exitCode, sent, problems } = await run(command)
      expect([exitCode, sent]).toEqual([1, []])
      expect(problems).toMatch(/--all' cannot be used with option|both cannot be meant/)
    }
  })

  test('a client secret comes of the environment or of the standard input, also a new one', async () => {
    const credential = (secret: string) => ({ credential: { type: 'client_secret', secret } })
    const create = 'directories create Contoso --tenant contoso.com --client app'
    const made = await run(`${create} --secret-stdin`, { input: 'typed\n' })
    expect(made.sent[0]?.body).toMatchObject(credential('typed'))
    const env = { CLIENT_SECRET: 'set' }
    const rotated = await run('directories update dir_1 --new-secret', { env })
    expect(rotated.sent[0]).toMatchObject({ method: 'PATCH', body: credential('set') })
    const piped = await run('directories update dir_1 --secret-stdin', { input: 'piped' })
    expect(piped.sent[0]?.body).toEqual(credential('piped'))
    const renamed = await run('directories update dir_1 --name Contoso', { env })
    expect(renamed.sent[0]?.body).toEqual({ name: 'Contoso' })
    for (const command of [create, 'directories update dir_1 --new-secret']) {
      const { exitCode, sent, problems } = await run(command, { env: { CLIENT_SECRET: '' } })
      expect([exitCode, sent]).toEqual([1, []])
      expect(problems).toMatch(
        /CLIENT_SECRET in the environment is empty or missing.*--secret-stdin/,
      )
    }
    const half = await run(`${create} --certificate file.pem`)
    expect([half.exitCode, half.problems]).toEqual([
      1,
      'error: A certificate takes both: --certificate and --key.\n',
    ])
  })

  test('the body of a call may be the standard input', async () => {
    const { sent } = await run(['call', 'PATCH', '/users/usr_1', '-'], {
      input: '{"password":"x"}',
    })
    expect(sent[0]?.body).toEqual({ password: 'x' })
    const wrong = await run(['call', 'GET', 'users'])
    expect([wrong.exitCode, wrong.sent]).toEqual([1, []])
  })

  test('an id cannot leave its place in the path', async () => {
    const { sent } = await run(['status', '../../organization'])
    expect(sent[0]?.url).toBe(`${LOCAL}/directories/..%2F..%2Forganization/status`)
  })
})

describe('answers', () => {
  test('are JSON on the output, problems JSON on the error output with exit code 1', async () => {
    const good = await run('organization show', { answers: [Response.json({ id: 'org_1' })] })
    expect([good.exitCode, JSON.parse(good.out), good.problems]).toEqual([0, { id: 'org_1' }, ''])
    const problem = { title: 'Not found', status: 404, detail: 'There is no such directory.' }
    const headers = { 'Content-Type': 'application/problem+json' }
    const answers = [new Response(JSON.stringify(problem), { status: 404, headers })]
    const bad = await run('status dir_1', { answers })
    expect([bad.exitCode, bad.out, JSON.parse(bad.problems)]).toEqual([1, '', problem])
    const gone = await run('keys revoke key_1', { answers: [new Response(null, { status: 204 })] })
    expect(JSON.parse(gone.out)).toEqual({ status: 204 })
  })

  test('a gateway that does not answer is told with its address', async () => {
    let problems = ''
    const exitCode = await runAdmin(['organization', 'show'], {
      env: {},
      newKey: () => 'key-1',
      readInput: () => '',
      print: () => undefined,
      complain: (text) => void (problems += text),
      fetch: () => Promise.reject(new TypeError('fetch failed')),
    })
    expect(exitCode).toBe(1)
    expect(JSON.parse(problems)).toMatchObject({
      title: 'No answer',
      detail: expect.stringContaining(LOCAL),
    })
  })

  test('what is misspelt sends nothing, and says what there is', async () => {
    for (const command of ['sauces list', 'sources create', 'admins create Bob --role king']) {
      const { exitCode, sent, problems } = await run(command)
      expect([exitCode, sent]).toEqual([1, []])
      expect(problems).toContain('error:')
    }
    const help = await run('--help')
    expect([help.exitCode, help.sent]).toEqual([0, []])
    expect(help.out).toContain('directories')
  })
})

describe('a deployment', () => {
  const env = { ISTHMUS_URL: 'https://isthmus.example.com', API_KEY: 'isth_api_mine' }

  test('is reached by what the environment says', async () => {
    const { sent } = await run('--remote sources list', { env })
    expect(sent).toMatchObject([
      { url: 'https://isthmus.example.com/api/v1/sources', token: 'Bearer isth_api_mine' },
    ])
    const { sent: other } = await run('--remote --url https://other.test/ sources list', { env })
    expect(other[0]?.url).toBe('https://other.test/api/v1/sources')
    for (const url of ['https://other.test/api/v1', 'https://other.test/api/v1/']) {
      const { sent: same } = await run(`--remote --url ${url} sources list`, { env })
      expect(same[0]?.url).toBe('https://other.test/api/v1/sources')
    }
  })

  test.each<[string, string, Record<string, string>, RegExp]>([
    ['without an address', '--remote sources list', { API_KEY: 'x' }, /ISTHMUS_URL/],
    ['without a key', '--remote sources list', { ISTHMUS_URL: env.ISTHMUS_URL }, /API_KEY/],
    ['with an empty key', '--remote sources list', { ...env, API_KEY: '' }, /empty or missing/],
    ['without the operator', '--remote organizations create X', env, /OPERATOR_TOKEN/],
    ['in the clear', '--remote --url http://isthmus.test sources list', env, /https/],
    ['by no address', '--url isthmus sources list', env, /no address/],
  ])('%s is refused before anything is sent', async (_, command, environment, says) => {
    const { exitCode, sent, problems } = await run(command, { env: environment })
    expect([exitCode, sent]).toEqual([1, []])
    expect(problems).toMatch(says)
  })

  test('on this machine is sent the demo credentials, also where the environment says nothing', async () => {
    const { sent } = await run('--url http://127.0.0.1:9000 sources list', { env: { API_KEY: '' } })
    expect(sent).toMatchObject([
      { url: 'http://127.0.0.1:9000/api/v1/sources', token: `Bearer ${DEMO.apiKey}` },
    ])
  })

  test('is never sent a demo credential', async () => {
    const { sent, exitCode } = await run('--url https://isthmus.example.com sources list')
    expect([exitCode, sent]).toEqual([1, []])
  })
})
