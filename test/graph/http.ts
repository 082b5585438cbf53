import { Hono } from 'hono'
import type { Json } from '../../src/kernel/json.ts'
import { controlApp } from './control-http.ts'
import { GraphError, payloadErrors } from './errors.ts'
import { type Answer, answer, type GraphRequest } from './exchange.ts'
import { faultyAnswer } from './faults.ts'
import { perform } from './perform.ts'
import { errorAnswer, traceHeaders, traceOf } from './respond.ts'
import { readCaller } from './login/access-token.ts'
import { refusals } from './login/refusals.ts'
import { issueToken, refusal } from './login/token.ts'
import { findTenant, type World } from './world.ts'
import { textFrom } from './text.ts'

/** The connection is to be dropped without an answer, as by a server that died. */
export class HangUp extends TypeError {
  override readonly name = 'HangUp'
}

/** What whoever opens its address is told. */
const WHAT_IT_IS = {
  name: 'An emulator of Microsoft Graph',
  graph: '/v1.0',
  login: '/{tenant}/oauth2/v2.0/token',
  whatItHolds: '/_control/state',
  whatWasAsked: '/_control/journal',
  counters: '/_control/counters',
} as const

/** The app that answers for both hosts: Graph below `/v1.0`, the login host below the tenant's name. */
export function graphApp(world: World): Hono {
  const app = new Hono()
  app.onError((error) => {
    throw error
  })
  app.get('/', (c) => c.json(WHAT_IT_IS))
  app.all('/v1.0/*', async (c) => graph(world, c.req.raw))
  app.post('/:tenant/oauth2/v2.0/token', (c) => token(world, c.req.param('tenant'), c.req.raw))
  app.get('/:tenant/v2.0/.well-known/openid-configuration', (c) =>
    toResponse(discovery(world, new URL(c.req.url).origin, c.req.param('tenant'))),
  )
  app.route('/_control', controlApp(world))
  return app
}

async function graph(world: World, raw: Request): Promise<Response> {
  const request = await readRequest(raw)
  const trace = traceOf(world, request)
  const told = await answerFor(world, request).catch((error: unknown) => {
    if (error instanceof GraphError) return errorAnswer(error, trace)
    throw error
  })
  return toResponse(told, {
    ...traceHeaders(trace),
    'Cache-Control': 'no-store, no-cache',
    'Strict-Transport-Security': 'max-age=31536000',
    'OData-Version': '4.0',
    'x-ms-ags-diagnostic': '{"ServerInfo":{"DataCenter":"Emulator","Slice":"E","Ring":"1"}}',
  })
}

async function answerFor(world: World, request: GraphRequest): Promise<Answer> {
  const caller = readCaller(world, request.headers.get('authorization'))
  const { lanes } = world.counters
  const arrival = lanes.arrive(caller)
  try {
    return await perform(world, caller, arrival, request)
  } finally {
    lanes.answered(arrival)
  }
}

async function token(world: World, tenantName: string, raw: Request): Promise<Response> {
  const request = {
    method: raw.method,
    url: new URL(raw.url),
    headers: raw.headers,
    body: undefined,
  }
  const form = new URLSearchParams(new TextDecoder().decode(await raw.arrayBuffer()))
  const asked = { tenantName, origin: request.url.origin, form }
  const fault = world.faults.strike(request)
  if (!fault) return toResponse(await issueToken(world, asked))
  const truth = fault.commit ? await issueToken(world, asked) : undefined
  return toResponse(faultyAnswer(fault, truth, traceOf(world, request)))
}

async function readRequest(raw: Request): Promise<GraphRequest> {
  const text = await raw.text()
  const read = text === '' ? { body: undefined } : readJson(raw.headers, text)
  return { method: raw.method, url: new URL(raw.url), headers: raw.headers, ...read }
}

function readJson(
  headers: Headers,
  text: string,
): { body: Json | undefined; unreadable?: GraphError } {
  if (!/^application\/json\b/i.test(headers.get('content-type') ?? ''))
    return { body: undefined, unreadable: payloadErrors.mediaType() }
  try {
    return { body: JSON.parse(text) }
  } catch {
    return { body: undefined, unreadable: payloadErrors.notJson() }
  }
}

function toResponse(told: Answer, headers: Readonly<Record<string, string>> = {}): Response {
  if (told.transport === 'hang-up') throw new HangUp('the other side closed the connection')
  const all = { ...headers, ...told.headers }
  if (told.body === undefined) return new Response(null, { status: told.status, headers: all })
  const isText = told.headers['Content-Type'] === 'text/plain'
  const text = isText ? textFrom(told.body) : JSON.stringify(told.body)
  return new Response(told.transport === 'truncate' ? text.slice(0, text.length / 2) : text, {
    status: told.status,
    headers: { 'Content-Type': 'application/json; charset=utf-8', ...all },
  })
}

/** The issuer is the tenant's by its id, also where a domain was asked for. */
function discovery(world: World, origin: string, name: string): Answer {
  const tenant = findTenant(world, name)
  if (tenant === undefined) return refusal(world, refusals.unknownTenant(name))
  const { id } = tenant.settings
  return answer(200, {
    issuer: `${origin}/${id}/v2.0`,
    token_endpoint: `${origin}/${id}/oauth2/v2.0/token`,
    token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt'],
  })
}
