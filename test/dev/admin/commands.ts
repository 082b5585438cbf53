/** The operator's commands, as data of the admin API: each is one request, or all pages of a list. */
import { Command, Option } from 'commander'

import type { Result } from '../../../src/kernel/result.ts'
import { type Call, callAll, type Failure, type Request } from './client.ts'
import { addDirectories } from './directories.ts'
import {
  given,
  type List,
  type Options,
  segment,
  type Send,
  some,
  wholeNumber,
} from './requests.ts'
import { addWork } from './work.ts'

export interface Ports {
  /** The function that sends requests, once the global options are known. */
  readonly connect: (options: { url?: string; remote?: boolean }) => Result<Call, Failure>
  readonly finish: (result: Result<unknown, Failure>) => void
  readonly env: Readonly<Record<string, string | undefined>>
  /** The whole of the standard input. */
  readonly readInput: () => string
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
  addDirectories(program, { send, list, ...ports })
  addWork(program, { send, list, ...ports })
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
      send({ method: 'PATCH', path: '/organization', body: some({ name, eventRetentionDays }) }),
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

const policy = () =>
  new Option('--policy <policy>', 'which usernames it may send').choices([
    'strict',
    'local-part',
    'any',
  ])

type SourceOptions = Readonly<Partial<Record<'name' | 'policy', string>>> & {
  readonly tenant?: string | false
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
    .addOption(policy())
    .option('--tenant <id>', 'its Entra tenant')
    .action((name: string, { type, policy: usernamePolicy, tenant: entraTenantId }: Options) => {
      const body = given({ name, type, usernamePolicy, entraTenantId })
      return send({ method: 'POST', path: '/sources', body })
    })
  sources
    .command('update <id>')
    .description('change it; another username policy holds within 30 seconds')
    .option('--name <name>')
    .addOption(policy())
    .option('--tenant <id>', 'its Entra tenant')
    .option('--no-tenant', 'it names none')
    .action((id: string, { name, policy: usernamePolicy, tenant }: SourceOptions) => {
      const entraTenantId = tenant === false ? null : tenant
      const body = some({ name, usernamePolicy, entraTenantId })
      return send({ method: 'PATCH', path: `/sources/${segment(id)}`, body })
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
