/** Exchanges with Entra ID: what is there before, a request, its answer, and what is there afterwards (test/fixtures/entra-exchanges). */
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'

import { connect } from '../../src/db/client.ts'
import { quirkCounts } from '../../src/db/quirk-store.ts'
import { readLog, scimClient, type Loose, type ScimClient } from '../support/seed.ts'

/** What is shown: some of a body, and names that are not in it. */
interface Shown {
  readonly status: number
  readonly body?: Loose
  readonly absent?: readonly string[]
}

interface Exchange {
  readonly title: string
  /** Resources that are created first; `{as}` stands for the id of one in all that follows. */
  readonly before: readonly {
    readonly as: string
    readonly endpoint: string
    readonly body: Loose
  }[]
  readonly request: {
    readonly method: string
    readonly path: string
    readonly headers?: Record<string, string>
    readonly body?: Loose
  }
  /** `resourcesLack`: names that no listed resource has. */
  readonly answer: Shown & { readonly resourcesLack?: readonly string[] }
  readonly after: readonly (Shown & { readonly path: string })[]
  /** The types of the events that the request leaves in the log; none when it changes nothing. */
  readonly events: readonly string[]
  /** The numbers of the peculiarities that are counted for the source. */
  readonly quirks: readonly number[]
}

declare global {
  interface ImportMeta {
    /** The modules of these files, which the bundler puts in place of the call. */
    glob<T>(files: string, how: { eager: true; import: 'default' }): Readonly<Record<string, T>>
  }
}

const EXCHANGES = import.meta.glob<Exchange>('../fixtures/entra-exchanges/*.json', {
  eager: true,
  import: 'default',
})

/** `../fixtures/entra-exchanges/q17-work-address.json` is `Q17 work-address`. */
function nameOf(file: string): string {
  const [number = '', ...words] = (file.split('/').at(-1) ?? '').replace('.json', '').split('-')
  return `${number.toUpperCase()} ${words.join('-')}`
}

/** The same JSON with ids in the place of names. */
function withIds<T>(value: T, ids: ReadonlyMap<string, string>): T {
  let text = JSON.stringify(value)
  for (const [name, id] of ids) text = text.replaceAll(`{${name}}`, id)
  return JSON.parse(text)
}

async function prepare(scim: ScimClient, { before }: Exchange): Promise<Map<string, string>> {
  const ids = new Map<string, string>()
  for (const { as, endpoint, body } of before) {
    const created = await scim.post(endpoint, withIds(body, ids))
    expect([created.status, created.body['detail']]).toEqual([201, undefined])
    ids.set(as, created.body['id'])
  }
  return ids
}

type Answer = Awaited<ReturnType<ScimClient['send']>>

function expectShown({ status, text, body, headers }: Answer, wanted: Shown): void {
  expect([status, body['detail']]).toEqual([wanted.status, body['detail']])
  if (text !== '') expect(headers.get('Content-Type')).toBe('application/scim+json')
  if (wanted.body !== undefined) expect(body).toMatchObject(wanted.body)
  for (const name of wanted.absent ?? []) expect(Object.keys(body)).not.toContain(name)
}

async function replay(exchange: Exchange): Promise<void> {
  const preparing = await scimClient()
  const ids = await prepare(preparing, exchange)
  // A source of its own: what the preparation needed is counted for another one.
  const scim = await scimClient({ organizationId: preparing.organizationId })
  const begun = (await readLog(scim.organizationId)).length
  const { request, answer, after, events, quirks } = withIds(exchange, ids)
  const given = await scim.send(request.method, request.path, request.body, request.headers)
  expectShown(given, answer)
  for (const name of answer.resourcesLack ?? [])
    for (const resource of given.body['Resources']) expect(resource).not.toHaveProperty(name)
  const log = await readLog(scim.organizationId)
  expect(log.slice(begun).map(({ type }) => type)).toEqual(events)
  for (const shown of after) expectShown(await preparing.get(shown.path), shown)
  const counts = await quirkCounts(connect(env.DB), scim.organizationId, scim.sourceId)
  expect(counts.map(({ number }) => number)).toEqual(quirks)
}

describe('an exchange with Entra ID', () => {
  test.each(Object.entries(EXCHANGES).map(([file, exchange]) => [nameOf(file), exchange] as const))(
    '%s',
    async (_name, exchange) => replay(exchange),
  )
})
