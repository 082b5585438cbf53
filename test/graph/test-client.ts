import type { Json, JsonObject } from '../../src/kernel/json.ts'
import {
  DEMO_CLIENT_ID,
  DEMO_CLIENT_SECRET,
  DEMO_TENANT_ID,
  type GraphEmulator,
} from './emulator.ts'

/** An answer as tests look at it. */
export interface TestAnswer {
  readonly status: number
  readonly headers: Headers
  /** The JSON body; an empty object when there was none. */
  readonly body: JsonObject
}

export type Send = (
  method: string,
  path: string,
  body?: Json,
  headers?: Readonly<Record<string, string>>,
) => Promise<TestAnswer>

const GRAPH = 'https://graph.microsoft.com/v1.0'

/** What the token endpoint answers to the demo application, or to a form of one's own. */
export async function askToken(
  emulator: Pick<GraphEmulator, 'fetch'>,
  form: Readonly<Record<string, string>> = {},
  tenant: string = DEMO_TENANT_ID,
): Promise<TestAnswer> {
  const body = new URLSearchParams({
    client_id: DEMO_CLIENT_ID,
    client_secret: DEMO_CLIENT_SECRET,
    scope: 'https://graph.microsoft.com/.default',
    grant_type: 'client_credentials',
    ...form,
  })
  const url = `https://login.microsoftonline.com/${tenant}/oauth2/v2.0/token`
  return read(await emulator.fetch(new Request(url, { method: 'POST', body })))
}

/** Signs in as the demo application and sends requests with its token. */
export async function signIn(
  emulator: Pick<GraphEmulator, 'fetch'>,
  base: string = GRAPH,
): Promise<Send> {
  const { body: issued } = await askToken(emulator)
  return async (method, path, body, headers = {}) => {
    const content = body === undefined ? {} : { 'Content-Type': 'application/json' }
    const request = new Request(`${base}${path}`, {
      method,
      headers: { Authorization: `Bearer ${text(issued['access_token'])}`, ...content, ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return read(await emulator.fetch(request))
  }
}

async function read(response: Response): Promise<TestAnswer> {
  const content = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json')
  const body: JsonObject = isJson ? JSON.parse(content) : content === '' ? {} : { text: content }
  return { status: response.status, headers: response.headers, body }
}

const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '')

/** A body that creates a valid user named after `name`. */
export const newUser = (name: string, more: JsonObject = {}): JsonObject => ({
  accountEnabled: true,
  displayName: `User ${name}`,
  mailNickname: name,
  userPrincipalName: `${name}@contoso.com`,
  passwordProfile: { forceChangePasswordNextSignIn: true, password: 'xWwvJ]6NMw+bWH-d' },
  ...more,
})

/** A body that creates a valid security group. */
export const newGroup = (name: string, more: JsonObject = {}): JsonObject => ({
  displayName: `Group ${name}`,
  mailEnabled: false,
  mailNickname: `scim-${name}`,
  securityEnabled: true,
  ...more,
})

/** The id in an answer that must have one. */
export function idOf({ status, body }: TestAnswer): string {
  const id = body['id']
  if (typeof id !== 'string') throw new Error(`no id in ${status} ${JSON.stringify(body)}`)
  return id
}

/** The error of an answer: status, code and message. */
export function errorOf({ status, body }: TestAnswer): {
  status: number
  code: Json
  message: Json
  details?: Json
} {
  const { error } = body as { error: { code: string; message: string; details?: Json } }
  const { code, message, details } = error
  return { status, code, message, ...(details === undefined ? {} : { details }) }
}

/** `https://graph.microsoft.com/v1.0/directoryObjects/{id}`. */
export const reference = (id: string): string => `${GRAPH}/directoryObjects/${id}`
