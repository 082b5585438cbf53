/** A user in Graph as far as the planner can tell: it refuses what Graph refuses, and clears what Graph clears. */
import { isJsonObject, type Json, type JsonObject } from '../../src/kernel/json.ts'
import { userUrl, type GraphRequest } from '../../src/plan/requests.ts'

export const GRAPH_BASE = 'https://graph.example/v1.0'
export const GRAPH_ID = '11111111-1111-1111-1111-111111111111'

const NEVER_NULL = new Set([
  'userPrincipalName',
  'displayName',
  'accountEnabled',
  'usageLocation',
  'otherMails',
  'businessPhones',
  'mailNickname',
])

export class ModelGraph {
  user: Record<string, Json> | null
  created = 0
  /** Disabled since its sessions were last ended. */
  openSessionsOfDisabled = false
  passwords: string[] = []
  bodies: JsonObject[] = []

  constructor(user: Record<string, Json> | null = null) {
    this.user = user
  }

  /** Carries out a request; throws where Graph would answer 400. */
  apply(request: GraphRequest): void {
    const { method, url } = request
    if (request.body !== undefined) this.bodies.push(request.body)
    if (method === 'POST' && url === '/users') return this.create(request.body ?? {})
    const user = this.user
    if (user === null) throw new Error('404')
    const path = url.slice(userUrl(GRAPH_ID).length)
    if (!url.startsWith(userUrl(GRAPH_ID))) throw new Error(`unknown URL ${url}`)
    if (method === 'PATCH' && path === '') this.patch(request.body ?? {})
    else if (method === 'DELETE' && path === '') this.user = null
    else if (method === 'POST' && path === '/revokeSignInSessions')
      this.openSessionsOfDisabled = false
    else if (method === 'PUT' && path === '/manager/$ref')
      user['manager'] = textOf(request.body?.['@odata.id']).slice(`${GRAPH_BASE}/users/`.length)
    else if (method === 'DELETE' && path === '/manager/$ref') user['manager'] = null
    else throw new Error(`unknown request ${method} ${url}`)
  }

  private create(body: JsonObject): void {
    if (this.user !== null) throw new Error('a second user')
    for (const name of ['accountEnabled', 'displayName', 'mailNickname', 'userPrincipalName'])
      if (body[name] === undefined) throw new Error(`${name} is required`)
    if (!isJsonObject(body['passwordProfile'])) throw new Error('passwordProfile is required')
    this.user = {}
    this.created++
    const { passwordProfile, ...properties } = body
    this.passwords.push(textOf(passwordProfile['password']))
    this.patch(properties)
    this.openSessionsOfDisabled = false
  }

  private patch(body: JsonObject): void {
    if (Object.keys(body).length === 0) throw new Error('an empty PATCH')
    if ('passwordProfile' in body) {
      if (Object.keys(body).length > 1) throw new Error('403: a password mixed with properties')
      const profile = body['passwordProfile']
      this.passwords.push(textOf(isJsonObject(profile) ? profile['password'] : undefined))
      return
    }
    for (const [name, value] of Object.entries(body)) this.set(name, value)
  }

  private set(name: string, value: Json): void {
    if (value === '') throw new Error(`"" for ${name}`)
    if (value === null && NEVER_NULL.has(name)) throw new Error(`null for ${name}`)
    if (Array.isArray(value) && (value.length > 1 || value.includes('')))
      throw new Error(`bad list for ${name}`)
    const whole = { costCenter: null, division: null }
    if (this.user === null) throw new Error('404')
    const disables = this.user['accountEnabled'] !== false && value === false
    if (name === 'accountEnabled') this.openSessionsOfDisabled &&= !value
    if (name === 'accountEnabled' && disables) this.openSessionsOfDisabled = true
    this.user[name] =
      name === 'employeeOrgData' && isJsonObject(value) ? { ...whole, ...value } : value
  }
}

function textOf(value: Json | undefined): string {
  if (typeof value !== 'string') throw new Error(`no text: ${JSON.stringify(value)}`)
  return value
}
