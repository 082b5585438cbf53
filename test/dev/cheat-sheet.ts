/** What `npm run dev` prints when everything runs: addresses, credentials, and commands that work as printed. */
import { DEMO_CLIENT_ID, DEMO_CLIENT_SECRET } from '../graph/demo.ts'
import { DEMO } from './demo-credentials.ts'
import { baseUrl } from './network.ts'
import { DEFAULT_PORT } from './options.ts'

export interface Facts {
  readonly port: number
  readonly seconds: number
  readonly state: string
  readonly graphUrl: string
  readonly isEmulated: boolean
  /** Surfaces that answer in this build. */
  readonly hasReference: boolean
  readonly hasConsole: boolean
}

/** The sheet, lines aligned. */
export function cheatSheet(facts: Facts): string {
  const base = baseUrl(facts.port)
  const graph = facts.isEmulated
    ? `${facts.graphUrl}   emulated; what it holds: ${baseUrl(facts.port + 1)}/_control/state`
    : facts.graphUrl
  const addresses = [
    ['SCIM', `${base}/scim/v2`],
    ['Admin API', `${base}/api/v1`],
    ...(facts.hasReference ? [['API reference', `${base}/api/v1/docs`]] : []),
    ...(facts.hasConsole ? [['Console', `${base}/console`]] : []),
    ['Microsoft Graph', graph],
    ['State', facts.state],
  ]
  const isDefault = facts.port === DEFAULT_PORT
  const demo = isDefault ? 'npm run demo' : `npm run demo -- --port ${facts.port}`
  const admin = `npm run -s admin --${isDefault ? '' : ` --url ${base}`}`
  return `
Isthmus is ready (${facts.seconds.toFixed(1)} s).

${table(addresses)}

  Organization ${DEMO.organization}, source ${DEMO.source}, directory ${DEMO.directory} (${DEMO.tenant})
  SCIM_TOKEN=${DEMO.scimToken}
  API_KEY=${DEMO.apiKey}
  OPERATOR_TOKEN=${DEMO.operatorToken}
${facts.isEmulated ? TENANT : ''}
Try:
  curl -H "Authorization: Bearer ${DEMO.scimToken}" "${base}/scim/v2/Users?count=1"
  ${admin} status ${DEMO.directory}
  ${demo}

Cron is rung every minute. Stop with Ctrl+C.
`
}

/** What a directory is connected with: a new organization may connect the emulated tenant too. */
const TENANT = `
  The emulated tenant, for a directory of your own: TENANT_ID=${DEMO.tenant}
  CLIENT_ID=${DEMO_CLIENT_ID}
  CLIENT_SECRET=${DEMO_CLIENT_SECRET}
`

const table = (rows: readonly (readonly string[])[]): string =>
  rows.map(([name = '', value = '']) => `  ${name.padEnd(17)}${value}`).join('\n')
