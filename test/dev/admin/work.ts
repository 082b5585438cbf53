/** The commands about what one directory carries: attributes, bindings, imports, reconciliation, failures, and the log. */
import { type Command, InvalidArgumentError, Option } from 'commander'

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

interface Ports {
  readonly send: Send
  readonly list: List
  readonly readInput: () => string
}

/** Adds them to the program. */
export function addWork(program: Command, { send, list, readInput }: Ports): void {
  program.commandsGroup('What a directory carries:')
  program
    .command('status <directory>')
    .description('what it owes, what failed, how fast it goes')
    .action((id: string) => send({ method: 'GET', path: `${directoryPath(id)}/status` }))
  addAttributes(program, send, list)
  addBindings(program, send, list)
  addImport(program, send, list)
  addReconciliation(program, send, list)
  addAnswers(program, send, list)
  addLog(program, send, list)
  addCall(program, send, readInput)
}

function addAttributes(program: Command, send: Send, list: List): void {
  program
    .command('attributes <directory> [directions...]')
    .description('list them with their directions, or set some: department=export manager=exclude')
    .addOption(atSequence())
    .action((id: string, directions: readonly string[], seen: Seen) => {
      const path = `${directoryPath(id)}/attributes`
      if (directions.length === 0) return list(path)
      return send({ method: 'PATCH', path, body: given({ ...directionsOf(directions), ...seen }) })
    })
  program
    .command('preview <directory>')
    .description('what a bind or other directions would change; nothing is sent to Microsoft 365')
    .option('--users <ids...>', 'who is to be bound, or is')
    .option(
      '--attributes <directions...>',
      'such as department=export; without --users, of all that are bound',
    )
    .option('--cursor <cursor>', 'the nextCursor of the page before')
    .action((id: string, { users: userIds, attributes, cursor = '' }: PreviewOptions) => {
      if (userIds === undefined && attributes === undefined)
        throw new InvalidArgumentError(
          'Say what is to be previewed: the bind of --users, or other directions, --attributes.',
        )
      const directions = attributes && directionsOf(attributes)
      const path = `${directoryPath(id)}/preview?cursor=${encodeURIComponent(cursor)}`
      return send({ method: 'POST', path, body: given({ userIds, attributes: directions }) })
    })
}

/** What the answer of a preview told; the command is refused when a user that it showed has changed since. */
interface Seen {
  readonly atSequence?: number
}

const atSequence = () =>
  new Option(
    '--at-sequence <number>',
    'the sequence of a preview: refused when its users have changed since',
  ).argParser(wholeNumber)

type PreviewOptions = Lists & { readonly cursor?: string }

type Lists = Readonly<Partial<Record<'users' | 'groups' | 'attributes', readonly string[]>>>

function directionsOf(pairs: readonly string[]): object {
  const entries = pairs.map((pair) => {
    const [attribute = '', direction = '', ...more] = pair.split('=')
    if (attribute === '' || direction === '' || more.length > 0)
      throw new InvalidArgumentError(`"${pair}" is no direction: write one as department=export.`)
    return [attribute, direction]
  })
  return Object.fromEntries(entries)
}

const states = 'one or several with commas, such as failed,held'

function addBindings(program: Command, send: Send, list: List): void {
  program
    .command('bindings <directory>')
    .description('list them')
    .option('--state <states>', states)
    .option('--kind <kind>', 'user or group')
    .action((id: string, filters: Record<string, string>) =>
      list(`${directoryPath(id)}/bindings?${new URLSearchParams(filters).toString()}`),
    )
  for (const [command, method, description] of [
    ['bind', 'POST', 'bind users and groups, and export them'],
    ['unbind', 'DELETE', 'unbind them; onUnbind of the directory says what becomes of accounts'],
  ] as const)
    program
      .command(`${command} <directory>`)
      .description(description)
      .option('--users <ids...>')
      .option('--groups <ids...>')
      .addOption(everything('everybody').conflicts(['users', 'groups']))
      .addOption(atSequence())
      .action((id: string, options: Lists & Seen) => {
        const { users: userIds, groups: groupIds, atSequence, ...all } = options
        const who = chosen({ userIds, groupIds, ...all }, '--users, --groups')
        const body = given({ ...who, atSequence })
        return send({ method, path: `${directoryPath(id)}/bindings`, body })
      })
  program
    .command('export <directory>')
    .description('send every attribute again, whatever was sent before')
    .option('--users <ids...>')
    .addOption(everything('everything that is bound').conflicts('users'))
    .action((id: string, { users: userIds, ...all }: Lists) =>
      send({
        method: 'POST',
        path: `${directoryPath(id)}/exports`,
        body: chosen({ userIds, ...all }, '--users'),
      }),
    )
}

const everything = (description: string) => new Option('--all', description)

/** What an empty body would mean is not done for want of an option; some and all are not both meant. */
function chosen(values: Readonly<Record<string, unknown>>, how: string): object {
  const body = given(values)
  const names = Object.keys(body)
  if (names.length === 0) throw new InvalidArgumentError(`Say whom it is about: ${how}, or --all.`)
  if (names.length > 1 && 'all' in body)
    throw new InvalidArgumentError(`Either name them (${how}) or give --all: both cannot be meant.`)
  return body
}

interface ImportOptions {
  readonly bind?: true
  readonly all?: true
}

function addImport(program: Command, send: Send, list: List): void {
  program
    .command('candidates <directory>')
    .description('list the accounts of the tenant, and which of them can be imported')
    .option('--q <text>', 'what a name of theirs begins with')
    .action((id: string, filters: Record<string, string>) =>
      list(`${directoryPath(id)}/import-candidates?${new URLSearchParams(filters).toString()}`),
    )
  program
    .command('import <directory> [accounts...]')
    .description('make users of accounts, by their ids in Microsoft 365, or of all that can be')
    .option('--all', 'all that can be')
    .option('--bind', 'adopt the accounts: their users are exported to them from then on')
    .action((id: string, accounts: readonly string[], { bind, ...all }: ImportOptions) => {
      const graphIds = accounts.length > 0 ? accounts : undefined
      const body = given({ ...chosen({ graphIds, ...all }, 'the ids of accounts'), bind })
      return send({ method: 'POST', path: `${directoryPath(id)}/import`, body })
    })
}

function addReconciliation(program: Command, send: Send, list: List): void {
  program
    .command('reconcile <directory>')
    .description('compare everybody with Microsoft 365 now')
    .addOption(
      new Option('--mode <mode>', 'enforce puts exported values back')
        .choices(['report', 'enforce'])
        .default('report'),
    )
    .action((id: string, { mode }: Options) =>
      send({ method: 'POST', path: `${directoryPath(id)}/reconciliations`, body: { mode } }),
    )
  program
    .command('reconciliations <directory>')
    .description('list them, newest first')
    .action((id: string) => list(`${directoryPath(id)}/reconciliations`))
  program
    .command('reconciliation <id>')
    .description('how far a reconciliation has come; or the answer to one that the threshold holds')
    .addOption(new Option('--approve', 'carry out what it found').conflicts('reject'))
    .option('--reject', 'leave Microsoft 365 as it is')
    .action((id: string, { approve, reject }: { approve?: true; reject?: true }) => {
      const path = `/reconciliations/${segment(id)}`
      if (approve) return send({ method: 'POST', path: `${path}/approve` })
      if (reject) return send({ method: 'POST', path: `${path}/reject` })
      return send({ method: 'GET', path })
    })
  program
    .command('drift <reconciliation>')
    .description('list what a reconciliation found')
    .action((id: string) => list(`/reconciliations/${segment(id)}/drift`))
}

function addAnswers(program: Command, send: Send, list: List): void {
  program
    .command('failures <directory>')
    .description('list what could not be exported, why, and what to do')
    .action((id: string) => list(`${directoryPath(id)}/failures`))
  program
    .command('replay <directory> [bindings...]')
    .description('try what failed again: these bindings, or all')
    .option('--all', 'all that failed, as without ids')
    .action((id: string, bindingIds: readonly string[], options: object) => {
      const isAll = bindingIds.length === 0
      const body = isAll ? { all: true } : chosen({ bindingIds, ...options }, 'the ids of bindings')
      return send({ method: 'POST', path: `${directoryPath(id)}/failures/replay`, body })
    })
  for (const answer of ['approve', 'reject'] as const)
    program
      .command(`${answer} <directory> [bindings...]`)
      .description(`${answer} what the threshold or a conflict holds`)
      .option('--all', 'all that is held')
      .action((id: string, bindings: readonly string[], options: object) => {
        const bindingIds = bindings.length > 0 ? bindings : undefined
        const body = chosen({ bindingIds, ...options }, 'the ids of bindings')
        return send({ method: 'POST', path: `${directoryPath(id)}/held/${answer}`, body })
      })
  program
    .command('undo <directory> <event>')
    .description('undo a change of a direction, or a bind')
    .action((id: string, eventId: string) =>
      send({ method: 'POST', path: `${directoryPath(id)}/undo`, body: { eventId } }),
    )
}

function addLog(program: Command, send: Send, list: List): void {
  program.commandsGroup('The rest:')
  program
    .command('job <id>')
    .description('how far long work has come: a bind, an export, an import, an undo')
    .action((id: string) => send({ method: 'GET', path: `/jobs/${segment(id)}` }))
  program
    .command('jobs')
    .description('long work and how far it has come, newest first')
    .option(
      '--enough <count>',
      'so many at most; "more" tells that there are others',
      wholeNumber,
      100,
    )
    .action(({ enough }: { enough: number }) => list('/jobs', enough))
  program
    .command('events')
    .description('the log, newest first')
    .option('--type <types>', 'one, or several with commas')
    .option('--actor <id>')
    .option('--target <id>')
    .option('--outcome <outcome>', 'success or failure')
    .option('--from <time>', 'such as 2027-01-31T00:00:00Z')
    .option('--to <time>')
    .option(
      '--enough <count>',
      'so many at most; "more" tells that there are others',
      wholeNumber,
      1000,
    )
    .action(({ enough, ...filters }: Record<string, string> & { enough: number }) =>
      list(`/events?${new URLSearchParams(filters).toString()}`, enough),
    )
}

function addCall(program: Command, send: Send, readInput: () => string): void {
  program
    .command('call <method> <path> [body]')
    .description("any other request: call GET '/users?q=ann'; a body of - is the standard input")
    .action((method: string, path: string, body: string | undefined) => {
      if (!path.startsWith('/'))
        throw new InvalidArgumentError(`"${path}" is no path: write one such as /users.`)
      const text = body === '-' ? readInput() : body
      return send({
        method: method.toUpperCase(),
        path,
        ...(text === undefined ? {} : { body: json(text) }),
      })
    })
}
