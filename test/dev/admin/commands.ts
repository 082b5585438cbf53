/** The operator's commands, as data of the admin API: each is one request, or all pages of a list. */
import { readFileSync } from 'node:fs'

import { Command, Option } from 'commander'

import type { Result } from '../../../src/kernel/result.ts'
import { type Call, callAll, type Failure, type Request } from './client.ts'
import {
  directoryPath,
  given,
  json,
  type List,
  type Options,
  segment,
  type Send,
  wholeNumber,
} from './requests.ts'
import { addWork } from './work.ts'

export interface Ports {
  /** The function that sends requests, once the global options are known. */
  readonly connect: (options: { url?: string; remote?: boolean }) => Result<Call, Failure>
  readonly finish: (result: Result<unknown, Failure>) => void
  readonly env: Readonly<Record<string, string | undefined>>
}

/** The command line, to be given arguments. */
export function adminProgram(ports: Ports): Command {
  const program = new Command('npm run admin --')
    .description('Manage a gateway over its admin API; answers are JSON.')
    .option('--url <url>', 'address of the gateway (default: npm run dev, or ISTHMUS_URL)')
    .option('--remote', 'a deployment: ISTHMUS_URL, API_KEY and OPERATOR_TOKEN of the environment')
    .showHelpAfterError()
  const withCall = async (work: (call: Call) => Promise<Result<unknown, Failure>>) => {
    const call = ports.connect(program.opts())
    ports.finish(call.ok ? await work(call.value) : call)
  }
  const send = (request: Request) => withCall((call) => call(request))
  const list: List = (path, enough) => withCall((call) => callAll(call, path, enough))
  program.commandsGroup('Who and what is connected:')
  addOrganizations(program, send)
  addAdmins(program, send, list)
  addSources(program, send, list)
  addDirectories(program, { send, list, env: ports.env })
  addWork(program, send, list)
  return program
}

function addOrganizations(program: Command, send: Send): void {
  const organizations = program.command('organizations').description('for the operator')
  organizations
    .command('create <name>')
    .description('make an organization; its first key is shown once')
    .action((name: string) =>
      send({ method: 'POST', path: '/organizations', body: { name }, isOperators: true }),
    )
  const organization = program.command('organization').description('the organization of the key')
  organization
    .command('show')
    .description('show it')
    .action(() => send({ method: 'GET', path: '/organization' }))
  organization
    .command('update')
    .description('change it')
    .option('--name <name>')
    .option('--event-retention-days <days>', 'how long events are kept', wholeNumber)
    .action(({ name, eventRetentionDays }: Options) =>
      send({ method: 'PATCH', path: '/organization', body: given({ name, eventRetentionDays }) }),
    )
}

const role = (description?: string) =>
  new Option('--role <role>', description).choices([
    'read_only',
    'manager',
    'administrator',
    'billing_admin',
  ])
const expires = () => new Option('--expires <time>', 'such as 2027-01-31T00:00:00Z')

function addAdmins(program: Command, send: Send, list: List): void {
  const admins = program.command('admins').description('administrators')
  admins
    .command('list')
    .description('list them')
    .action(() => list('/admins'))
  admins
    .command('create <name>')
    .description('add one')
    .addOption(role().makeOptionMandatory())
    .option('--email <address>')
    .action((name: string, { role, email }: Options) =>
      send({ method: 'POST', path: '/admins', body: given({ name, role, email }) }),
    )
  admins
    .command('remove <id>')
    .description('remove one and their keys')
    .action((id: string) => send({ method: 'DELETE', path: `/admins/${segment(id)}` }))
  const keys = program.command('keys').description('API keys')
  keys
    .command('list')
    .description('list them')
    .action(() => list('/api-keys'))
  keys
    .command('create <name>')
    .description('make one; its secret is shown once')
    .option('--admin <id>', 'whose it is (default: yours)')
    .addOption(role('the most that it may do (default: what its administrator may)'))
    .addOption(expires())
    .action((name: string, { admin: adminId, role, expires: expiresAt }: Options) =>
      send({ method: 'POST', path: '/api-keys', body: given({ name, adminId, role, expiresAt }) }),
    )
  keys
    .command('revoke <id>')
    .description('revoke one')
    .action((id: string) => send({ method: 'DELETE', path: `/api-keys/${segment(id)}` }))
}

function addSources(program: Command, send: Send, list: List): void {
  const sources = program.command('sources').description('inbound SCIM integrations')
  sources
    .command('list')
    .description('list them')
    .action(() => list('/sources'))
  sources
    .command('show <id>')
    .description('show one with its credentials')
    .action((id: string) => send({ method: 'GET', path: `/sources/${segment(id)}` }))
  sources
    .command('create <name>')
    .description('add one')
    .addOption(new Option('--type <type>').choices(['entra', 'okta', 'generic']).default('entra'))
    .addOption(new Option('--policy <policy>').choices(['strict', 'local-part', 'any']))
    .option('--tenant <id>', 'its Entra tenant')
    .action((name: string, { type, policy: usernamePolicy, tenant: entraTenantId }: Options) => {
      const body = given({ name, type, usernamePolicy, entraTenantId })
      return send({ method: 'POST', path: '/sources', body })
    })
  sources
    .command('remove <id>')
    .description('remove one; its users stay')
    .action((id: string) => send({ method: 'DELETE', path: `/sources/${segment(id)}` }))
  addCredentials(program, send)
}

function addCredentials(program: Command, send: Send): void {
  const credentials = program.command('credentials').description('credentials of a source')
  credentials
    .command('create <source> <name>')
    .description('make one; its secret is shown once')
    .addOption(
      new Option('--type <type>')
        .choices(['bearer', 'oauth_client', 'federated'])
        .default('bearer'),
    )
    .addOption(expires())
    .option('--issuer <url>', 'of a federated one')
    .option('--subject <subject>', 'of a federated one')
    .option('--audience <audience>', 'of a federated one')
    .action((source: string, name: string, { expires: expiresAt, ...trust }: Options) => {
      const path = `/sources/${segment(source)}/credentials`
      return send({ method: 'POST', path, body: given({ name, expiresAt, ...trust }) })
    })
  credentials
    .command('revoke <source> <id>')
    .description('revoke one')
    .action((source: string, id: string) => {
      const path = `/sources/${segment(source)}/credentials/${segment(id)}`
      return send({ method: 'DELETE', path })
    })
}

interface DirectoryPorts {
  readonly send: Send
  readonly list: List
  readonly env: Ports['env']
}

function addDirectories(program: Command, { send, list, env }: DirectoryPorts): void {
  const directories = program.command('directories').description('Microsoft 365 tenants')
  directories
    .command('list')
    .description('list them')
    .action(() => list('/directories'))
  directories
    .command('show <id>')
    .description('show one with its settings')
    .action((id: string) => send({ method: 'GET', path: directoryPath(id) }))
  directories
    .command('update <id>')
    .description('change it; settings are merged')
    .option('--name <name>')
    .option('--settings <json>', 'such as {"usageLocation":"US"}', json)
    .action((id: string, { name, settings }: Options) =>
      send({ method: 'PATCH', path: directoryPath(id), body: given({ name, settings }) }),
    )
  directories
    .command('create <name>')
    .description(
      'connect one: by CLIENT_SECRET of the environment, by a certificate, or federated (no secret)',
    )
    .requiredOption('--tenant <id>')
    .requiredOption('--client <id>', 'the app registration')
    .option('--certificate <file>', 'PEM')
    .option('--key <file>', 'PEM, of the certificate')
    .option('--federated')
    .option('--settings <json>', 'such as {"usageLocation":"US"}', json)
    .action(
      (name: string, { tenant: tenantId, client: clientId, settings, ...options }: Options) => {
        const credential = credentialOf(options, env)
        const body = given({ name, tenantId, clientId, credential, settings })
        return send({ method: 'POST', path: '/directories', body })
      },
    )
  for (const [command, state] of [
    ['pause', 'paused'],
    ['resume', 'active'],
  ] as const)
    directories
      .command(`${command} <id>`)
      .description(`set its state to ${state}`)
      .action((id: string) => send({ method: 'PATCH', path: directoryPath(id), body: { state } }))
  directories
    .command('test <id>')
    .description('ask for a token, read permissions and domains')
    .action((id: string) => send({ method: 'POST', path: `${directoryPath(id)}/test` }))
  directories
    .command('remove <id>')
    .description('disconnect it; Microsoft 365 stays as it is')
    .action((id: string) => send({ method: 'DELETE', path: directoryPath(id) }))
}

/** Secrets come from the environment or from files: arguments are seen by everybody on a machine. */
function credentialOf(options: Options, env: Ports['env']): object {
  const { certificate, key } = options
  if ('federated' in options) return { type: 'federated' }
  if (certificate !== undefined && key !== undefined)
    return {
      type: 'certificate',
      certificate: readFileSync(certificate, 'utf8'),
      privateKey: readFileSync(key, 'utf8'),
    }
  return { type: 'client_secret', secret: env['CLIENT_SECRET'] ?? '' }
}
