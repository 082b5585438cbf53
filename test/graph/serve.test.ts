import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/kernel/json.ts'
import { type ServeOptions, type ServedEmulator, serveGraphEmulator } from './serve.ts'
import { type Send, errorOf, idOf, newGroup, newUser, reference, signIn } from './test-client.ts'

const cleanups: (() => unknown)[] = []

afterEach(async () => {
  for (const clean of cleanups.splice(0).toReversed()) await clean()
})

async function started(options: ServeOptions = {}): Promise<ServedEmulator> {
  const served = await serveGraphEmulator(options)
  cleanups.push(served.close)
  return served
}

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'graph-emulator-'))
  cleanups.push(() => rmSync(path, { recursive: true }))
  return path
}

/** A client over HTTP: the login host's requests go to the same port. */
const connect = (url: string): Promise<Send> =>
  signIn(
    {
      fetch: (request) => {
        const { pathname, search } = new URL(request.url)
        return fetch(new Request(`${url}${pathname}${search}`, request))
      },
    },
    `${url}/v1.0`,
  )

/** Starts the emulator as a process of its own and waits until it serves. */
async function launch(state: string): Promise<{ child: ChildProcess; url: string }> {
  const script = new URL('serve.ts', import.meta.url).pathname
  const child = spawn(process.execPath, [script, '--port', '0', '--state', state], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  cleanups.push(() => child.kill('SIGKILL'))
  for await (const line of createInterface({ input: child.stdout }))
    if (line.includes('LOGIN_BASE_URL')) return { child, url: line.trim().split(/\s+/)[1] ?? '' }
  throw new Error('the emulator ended before it served')
}

describe('the served emulator', () => {
  it('tells whoever opens its address where to look', async () => {
    const { url } = await started()
    const told = (await (await fetch(url)).json()) as JsonObject
    expect(told).toMatchObject({ graph: '/v1.0', whatItHolds: '/_control/state' })
    expect((await fetch(`${url}${String(told['whatItHolds'])}`)).status).toBe(200)
  })

  it('names the options that there are to whoever asks, or misspells one', async () => {
    const script = new URL('serve.ts', import.meta.url).pathname
    for (const [option, status] of [
      ['--help', 0],
      ['--prot', 1],
      ['--port=x', 1],
    ] as const) {
      const ended = spawnSync(process.execPath, [script, option], { encoding: 'utf8' })
      expect(ended.status).toBe(status)
      expect(ended.stdout + ended.stderr).toContain('--latency <ms>')
    }
  })

  it('answers for both hosts on one port, with links of its own origin', async () => {
    const { url, emulator } = await started()
    const send = await connect(url)
    emulator.seed({ users: 2 })
    const { body } = await send('GET', '/users?$top=1')
    expect(body['@odata.nextLink']).toMatch(
      new RegExp(`^${url}/v1.0/users\\?\\$top=1&\\$skiptoken=`),
    )
    const [user = ''] = emulator.seed({ users: 1, prefix: 'x' }).users
    const group = idOf(await send('POST', '/groups', newGroup('ops')))
    const path = `/groups/${group}/members/$ref`
    const own = { '@odata.id': `${url}/v1.0/directoryObjects/${user}` }
    expect((await send('POST', path, own)).status).toBe(204)
    expect((await send('POST', path, { '@odata.id': reference(user) })).status).toBe(400)
  })

  it('drops the connection for a hang-up', async () => {
    const { url, emulator } = await started()
    const send = await connect(url)
    emulator.faults.add({ commit: true, transport: 'hang-up' })
    await expect(send('POST', '/users', newUser('adele'))).rejects.toThrow(TypeError)
    expect((await send('GET', '/users/adele@contoso.com')).status).toBe(200)
  })

  it('remembers its tenant after a kill, and nothing that was not answered', async () => {
    const state = directory()
    const first = await launch(state)
    let send = await connect(first.url)
    const boss = idOf(await send('POST', '/users', newUser('boss')))
    const id = idOf(await send('POST', '/users', newUser('adele')))
    const manager = { '@odata.id': reference(boss) }
    await send('PUT', `/users/${id}/manager/$ref`, manager)
    const members = { 'members@odata.bind': [reference(id)] }
    const group = idOf(await send('POST', '/groups', newGroup('ops', members)))
    const last = await send('PATCH', `/users/${id}`, { jobTitle: 'Director' })
    first.child.kill('SIGKILL')
    expect(last.status).toBe(204)
    await once(first.child, 'exit')
    appendFileSync(join(state, 'graph.ndjson'), '{"tenant":"half a line')

    const second = await started({ state })
    send = await connect(second.url)
    const { body } = await send('GET', `/users/${id}?$select=jobTitle&$expand=manager($select=id)`)
    expect(body).toMatchObject({ jobTitle: 'Director', manager: { id: boss } })
    const listed = await send('GET', `/groups/${group}/members?$select=id`)
    expect(listed.body['value']).toMatchObject([{ id }])
    expect(errorOf(await send('POST', '/users', newUser('adele'))).status).toBe(400)
    expect(idOf(await send('POST', '/users', newUser('carl')))).not.toBe(boss)
  })
})

describe('/_control', () => {
  const control = async (url: string, method: string, path: string, body?: JsonObject) => {
    const response = await fetch(`${url}/_control${path}`, {
      method,
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    const text = await response.text()
    return { status: response.status, body: (text === '' ? {} : JSON.parse(text)) as JsonObject }
  }

  it('seeds, shows and changes a tenant', async () => {
    const { url } = await started()
    const seeded = await control(url, 'POST', '/seed', { users: 2, groups: 1, membersPerGroup: 2 })
    const [first, second] = seeded.body['users'] as string[]
    const change = {
      properties: { jobTitle: 'Drifted' },
      isPrivileged: true,
      manager: second ?? '',
    }
    expect((await control(url, 'POST', '/users/seed1@contoso.com', change)).status).toBe(200)
    expect((await control(url, 'GET', '/state')).body).toMatchObject({
      users: [
        { id: first, jobTitle: 'Drifted', isPrivileged: true, managerName: 'seed2@contoso.com' },
        { id: second, managerId: null },
      ],
      groups: [{ members: [first, second] }],
    })
    expect((await control(url, 'POST', '/users/nobody', {})).status).toBe(404)
    expect((await control(url, 'GET', '/state?tenant=fabrikam.com')).status).toBe(400)
  })

  it('plans faults, counts and forgets', async () => {
    const { url } = await started()
    const send = await connect(url)
    const fault = { match: { method: 'POST', path: '^/users$' }, status: 429, retryAfter: 1 }
    expect((await control(url, 'POST', '/faults', fault)).status).toBe(201)
    expect((await send('POST', '/users', newUser('adele'))).status).toBe(429)
    expect((await control(url, 'GET', '/counters')).body).toMatchObject({
      writes: 1,
      answersByStatus: { 429: 1 },
    })
    expect((await control(url, 'GET', '/journal')).body).toMatchObject([
      { method: 'POST', url: '/users', status: 429 },
    ])
    await control(url, 'DELETE', '/counters')
    await control(url, 'DELETE', '/faults')
    expect((await control(url, 'GET', '/counters')).body['writes']).toBe(0)
    expect((await control(url, 'GET', '/faults')).body).toEqual([])
    await control(url, 'POST', '/revoke-tokens')
    expect((await send('GET', '/users')).status).toBe(401)
  })
})
