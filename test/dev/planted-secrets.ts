/** Secrets that are shown to a running gateway, and the search for them in the files of its database. */
import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { DEMO_CLIENT_SECRET } from '../graph/demo.ts'
import { DEMO } from './demo-credentials.ts'
import { answerOf } from './network.ts'
import type { Running } from './running.ts'

/** A secret, and what it is. */
type Secrets = Readonly<Record<string, string>>

/** Gives the gateway a password and a client secret to keep, has it make a token, and tells them and those it had before. */
export async function plantSecrets({ base }: Running): Promise<Secrets> {
  const password = `Planted-${randomUUID()}`
  const clientSecret = `planted-${randomUUID()}`
  const name = `planted.${randomUUID().slice(0, 8)}@contoso.com`
  const post = async (path: string, token: string, body: object): Promise<string> => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const init = { method: 'POST', headers, body: JSON.stringify(body) }
    const answer = await answerOf(`${base}${path}`, init)
    if (answer?.status !== 201)
      throw new Error(`${path} answered ${answer?.status}: ${answer?.text}`)
    return answer.text
  }
  const schemas = ['urn:ietf:params:scim:schemas:core:2.0:User']
  const emails = [{ type: 'work', value: name }]
  await post('/scim/v2/Users', DEMO.scimToken, { schemas, userName: name, emails, password })
  await post('/api/v1/directories', DEMO.apiKey, {
    name: 'Planted',
    tenantId: randomUUID(),
    clientId: randomUUID(),
    credential: { type: 'client_secret', secret: clientSecret },
  })
  const path = `/api/v1/sources/${DEMO.source}/credentials`
  const made: unknown = JSON.parse(
    await post(path, DEMO.apiKey, { type: 'bearer', name: 'planted' }),
  )
  const { secret: token } = made as { readonly secret: string }
  return {
    'a password': password,
    'a client secret': clientSecret,
    'a token that was made': token,
    "the demo directory's client secret": DEMO_CLIENT_SECRET,
    "the demo source's token": DEMO.scimToken,
    'the demo key': DEMO.apiKey,
    "the operator's token": DEMO.operatorToken,
  }
}

/** Which of the secrets stand readable in a file below the folder. */
export function readableSecrets(folder: string, secrets: Secrets): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  const texts = entries
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
  return Object.entries(secrets)
    .filter(([, secret]) => texts.some((text) => text.includes(secret)))
    .map(([name]) => name)
}
