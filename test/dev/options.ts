/** The options of `npm run dev`, `npm run demo` and `npm run demo:kill`: pure, errors as sentences for the terminal. */
import { resolve } from 'node:path'
import { parseArgs, type ParseArgsConfig } from 'node:util'

import { err, ok, type Result } from '../../src/kernel/result.ts'

export const DEFAULT_PORT = 8787
/** Of the kill-and-restart run, so that it does not disturb a `dev` that is in use. */
const KILL_PORT = 8887
const DEFAULT_STATE = '.wrangler/dev'

/** What `--var` may set: the configuration of wrangler.toml and the secrets. */
export const VARIABLES = [
  'GRAPH_BASE_URL',
  'LOGIN_BASE_URL',
  'PUBLIC_URL',
  'GRAPH_WRITE_QUOTA',
  'GRAPH_TENANT_WRITE_QUOTA',
  'GRAPH_APP_WRITE_QUOTA',
  'RATE_LIMIT',
  'ENCRYPTION_KEY',
  'ENCRYPTION_KEY_PREVIOUS',
  'OPERATOR_TOKEN',
  'SIGNING_KEY',
] as const

export type Variables = Readonly<Record<string, string>>

export interface DevOptions {
  readonly port: number
  readonly fresh: boolean
  readonly state: string
  /** Another Graph and token host; undefined: the emulator on the next port. */
  readonly graph: { readonly graphUrl: string; readonly loginUrl: string } | undefined
  readonly variables: Variables
}

export interface DemoOptions {
  readonly port: number
  /** For the `dev` that is started when none runs. */
  readonly fresh: boolean
  readonly state: string
}

const USAGE = {
  port: '--port P           port of the gateway; the Graph emulator takes the next one',
  fresh: '--fresh            begin with new state',
  state: `--state DIR        where the state is kept (default ${DEFAULT_STATE})`,
  'graph-url': '--graph-url URL    use this Graph and start no emulator; needs --login-url',
  'login-url': '--login-url URL    the token host that belongs to --graph-url',
  var: '--var NAME=VALUE   override a variable of the gateway; may be repeated',
  keep: '--keep             leave the temporary state in place at the end',
} as const

type OptionName = keyof typeof USAGE

/** What `--help` prints; undefined when nobody asked. */
export function helpText(
  command: 'dev' | 'demo' | 'demo:kill',
  args: readonly string[],
): string | undefined {
  if (!args.includes('--help') && !args.includes('-h')) return undefined
  const names = { dev: DEV, demo: DEMO, 'demo:kill': KILL }[command]
  const lines = names.map((name) => `  ${USAGE[name]}`)
  return [`Usage: npm run ${command} -- [options]`, '', ...lines].join('\n')
}

const DEV: readonly OptionName[] = ['port', 'fresh', 'state', 'graph-url', 'login-url', 'var']
const DEMO: readonly OptionName[] = ['port', 'fresh', 'state']
const KILL: readonly OptionName[] = ['port', 'keep']
const FLAGS: readonly OptionName[] = ['fresh', 'keep']

interface Parsed {
  readonly texts: Readonly<Partial<Record<OptionName, string>>>
  readonly flags: ReadonlySet<OptionName>
  readonly variables: readonly string[]
}

function parse(args: readonly string[], accepted: readonly OptionName[]): Result<Parsed, string> {
  const options: NonNullable<ParseArgsConfig['options']> = {}
  for (const name of accepted)
    options[name] = FLAGS.includes(name)
      ? { type: 'boolean' }
      : { type: 'string', multiple: name === 'var' }
  try {
    const { values } = parseArgs({ args: [...args], options })
    const entries = Object.entries(values)
    return ok({
      texts: Object.fromEntries(entries.filter(([, value]) => typeof value === 'string')),
      flags: new Set(accepted.filter((name) => values[name] === true)),
      variables: [values['var'] ?? []].flat().map(String),
    })
  } catch (error) {
    return err(withUsage(firstSentence(error), accepted))
  }
}

/** Node's own advice about positional arguments, which follows its first sentence, does not apply here. */
function firstSentence(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return message.split('. ')[0] ?? message
}

const withUsage = (problem: string, accepted: readonly OptionName[]): string =>
  `${problem}. Accepted are:\n${accepted.map((name) => `  ${USAGE[name]}`).join('\n')}`

/** Options of `npm run dev`. */
export function parseDevOptions(args: readonly string[]): Result<DevOptions, string> {
  const parsed = parse(args, DEV)
  if (!parsed.ok) return parsed
  const { texts, flags } = parsed.value
  const port = readPort(texts.port)
  if (!port.ok) return port
  const graph = readGraph(texts['graph-url'], texts['login-url'])
  if (!graph.ok) return graph
  const variables = readVariables(parsed.value.variables)
  if (!variables.ok) return variables
  return ok({
    port: port.value,
    fresh: flags.has('fresh'),
    state: resolve(texts.state ?? DEFAULT_STATE),
    graph: graph.value,
    variables: variables.value,
  })
}

/** Options of `npm run demo`. */
export function parseDemoOptions(args: readonly string[]): Result<DemoOptions, string> {
  const parsed = parse(args, DEMO)
  if (!parsed.ok) return parsed
  const { texts, flags } = parsed.value
  const port = readPort(texts.port)
  if (!port.ok) return port
  const state = resolve(texts.state ?? DEFAULT_STATE)
  return ok({ port: port.value, fresh: flags.has('fresh'), state })
}

/** Options of `npm run demo:kill`. */
export function parseKillOptions(
  args: readonly string[],
): Result<{ readonly port: number; readonly keep: boolean }, string> {
  const parsed = parse(args, KILL)
  if (!parsed.ok) return parsed
  const port = readPort(parsed.value.texts.port, KILL_PORT)
  return port.ok ? ok({ port: port.value, keep: parsed.value.flags.has('keep') }) : port
}

function readPort(text: string | undefined, fallback = DEFAULT_PORT): Result<number, string> {
  if (text === undefined) return ok(fallback)
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  // The emulator takes the next port, so the last one is no choice.
  if (port >= 1 && port < 65535) return ok(port)
  return err(`--port must be a number from 1 to 65534, but is "${text}".`)
}

function readGraph(
  graphUrl: string | undefined,
  loginUrl: string | undefined,
): Result<DevOptions['graph'], string> {
  if (graphUrl === undefined && loginUrl === undefined) return ok(undefined)
  if (graphUrl === undefined || loginUrl === undefined) {
    const [given, missing] =
      graphUrl === undefined ? ['--login-url', '--graph-url'] : ['--graph-url', '--login-url']
    return err(`${given} was given without ${missing}. Give both, or neither to use the emulator.`)
  }
  const wrong = [
    ['--graph-url', graphUrl],
    ['--login-url', loginUrl],
  ].find(([, url = '']) => !/^https?:$/.test(protocolOf(url)))
  if (wrong !== undefined)
    return err(`${wrong[0]} must be an http or https URL, but is "${wrong[1]}".`)
  return ok({ graphUrl: withoutSlash(graphUrl), loginUrl: withoutSlash(loginUrl) })
}

const protocolOf = (url: string): string => (URL.canParse(url) ? new URL(url).protocol : '')
const withoutSlash = (url: string): string => url.replace(/\/+$/, '')

function readVariables(given: readonly string[]): Result<Variables, string> {
  const variables: Record<string, string> = {}
  for (const text of given) {
    const split = text.indexOf('=')
    if (split < 1) return err(`--var takes NAME=VALUE, but was given "${text}".`)
    const name = text.slice(0, split)
    if (!VARIABLES.some((known) => known === name))
      return err(`--var knows no "${name}". It may set:\n  ${VARIABLES.join('\n  ')}`)
    variables[name] = text.slice(split + 1)
  }
  return ok(variables)
}
