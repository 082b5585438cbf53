/** The commands about connections to Microsoft 365. */
import { readFileSync } from 'node:fs'

import { type Command, InvalidArgumentError, Option } from 'commander'

import { directoryPath, given, json, type List, type Options, type Send, some } from './requests.ts'

/** Where secrets come from: arguments are seen by everybody on a machine, and kept by shells. */
interface Secrets {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly readInput: () => string
}

interface Ports extends Secrets {
  readonly send: Send
  readonly list: List
}

/** Adds them to the program. */
export function addDirectories(program: Command, ports: Ports): void {
  const { send, list } = ports
  const directories = program.command('directories').description('Microsoft 365 tenants')
  directories
    .command('list')
    .description('list them')
    .action(() => list('/directories'))
  directories
    .command('show <id>')
    .description('show one with its settings')
    .action((id: string) => send({ method: 'GET', path: directoryPath(id) }))
  addCreate(directories, ports)
  addUpdate(directories, ports)
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
    .description('ask for a token, read permissions and domains; one that had stopped goes on')
    .action((id: string) => send({ method: 'POST', path: `${directoryPath(id)}/test` }))
  directories
    .command('remove <id>')
    .description('disconnect it; Microsoft 365 stays as it is')
    .action((id: string) => send({ method: 'DELETE', path: directoryPath(id) }))
}

const SETTINGS = 'such as {"usageLocation":"US"}'

function addCreate(directories: Command, { send, ...secrets }: Ports): void {
  const create = directories
    .command('create <name>')
    .description(
      'connect one: by the client secret in CLIENT_SECRET of the environment, unless an option says otherwise',
    )
    .requiredOption('--tenant <id>')
    .requiredOption('--client <id>', 'the app registration')
  credentialOptions(create)
    .option('--settings <json>', SETTINGS, json)
    .action(
      (name: string, { tenant: tenantId, client: clientId, settings, ...options }: Options) => {
        const credential = credentialOf(options, secrets) ?? secretOf(secrets)
        const body = given({ name, tenantId, clientId, credential, settings })
        return send({ method: 'POST', path: '/directories', body })
      },
    )
}

function addUpdate(directories: Command, { send, ...secrets }: Ports): void {
  const update = directories
    .command('update <id>')
    .description('change it; settings are merged')
    .option('--name <name>')
    .option('--client <id>', 'another app registration, with a credential of its own')
    .addOption(
      new Option(
        '--new-secret',
        'take the client secret in CLIENT_SECRET of the environment from now on',
      ).conflicts(['certificate', 'key', 'federated', 'secretStdin']),
    )
  credentialOptions(update)
    .option('--settings <json>', SETTINGS, json)
    .action((id: string, { name, client: clientId, settings, newSecret, ...options }: Options) => {
      const credential =
        newSecret === undefined ? credentialOf(options, secrets) : secretOf(secrets)
      const body = some({ name, clientId, credential, settings })
      return send({ method: 'PATCH', path: directoryPath(id), body })
    })
}

const credentialOptions = (command: Command): Command =>
  command
    .addOption(
      new Option('--secret-stdin', 'read the client secret from the standard input').conflicts([
        'certificate',
        'key',
        'federated',
      ]),
    )
    .addOption(new Option('--certificate <file>', 'PEM').conflicts('federated'))
    .addOption(new Option('--key <file>', 'PEM, of the certificate').conflicts('federated'))
    .option('--federated', 'no secret: the app registration trusts the gateway')

/** The credential that the options name; undefined when they name none. */
function credentialOf(options: Options, { readInput }: Secrets): object | undefined {
  const { certificate, key } = options
  if ('federated' in options) return { type: 'federated' }
  if ('secretStdin' in options) {
    const secret = readInput().replace(/\r?\n$/, '')
    if (secret === '') throw new InvalidArgumentError('The standard input holds no client secret.')
    return { type: 'client_secret', secret }
  }
  if (certificate === undefined && key === undefined) return undefined
  if (certificate === undefined || key === undefined)
    throw new InvalidArgumentError('A certificate takes both: --certificate and --key.')
  return { type: 'certificate', certificate: readPem(certificate), privateKey: readPem(key) }
}

function secretOf({ env }: Secrets): object {
  const secret = env['CLIENT_SECRET'] ?? ''
  if (secret === '') throw new InvalidArgumentError(NO_SECRET)
  return { type: 'client_secret', secret }
}

const NO_SECRET =
  'CLIENT_SECRET in the environment is empty or missing: set it to the value of the client secret of the app registration, or give --secret-stdin, --certificate and --key, or --federated.'

function readPem(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    throw new InvalidArgumentError(`The file ${file} cannot be read.`)
  }
}
