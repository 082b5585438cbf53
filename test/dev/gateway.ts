/** How the gateway is run under `wrangler dev`: offline, quiet, on loopback, with everything it keeps in the state. */
import { join } from 'node:path'

import { type Child, type Environment, startChild } from './children.ts'
import { DEMO } from './demo-credentials.ts'
import { baseUrl, LOOPBACK } from './network.ts'
import { type DevOptions, VARIABLES } from './options.ts'
import type { StateDirectory } from './state-directory.ts'

const ROOT = join(import.meta.dirname, '../..')
const WRANGLER = join(ROOT, 'node_modules/wrangler/bin/wrangler.js')

/** No telemetry, no update check, no login, no look-up of where this machine is. */
const OFFLINE = {
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_SEND_ERROR_REPORTS: 'false',
  DO_NOT_TRACK: '1',
  WRANGLER_HIDE_BANNER: 'true',
  WRANGLER_NO_SKILLS_UPDATE_PROMPTS: 'true',
  WRANGLER_WRITE_LOGS: 'false',
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
  X_LOCAL_EXPLORER: 'false',
  X_LOCAL_OBSERVABILITY: 'false',
}

/** The secrets that wrangler.toml names come from a file, everything else from `--var`. */
const SECRETS: readonly string[] = ['ENCRYPTION_KEY', 'OPERATOR_TOKEN']

/** What the gateway is told, `--var` of the command line last. */
export function variablesOf(options: DevOptions, encryptionKey: string): Record<string, string> {
  const emulator = baseUrl(options.port + 1)
  return {
    GRAPH_BASE_URL: options.graph?.graphUrl ?? `${emulator}/v1.0`,
    LOGIN_BASE_URL: options.graph?.loginUrl ?? emulator,
    RATE_LIMIT: 'off',
    ENCRYPTION_KEY: encryptionKey,
    OPERATOR_TOKEN: DEMO.operatorToken,
    ...options.variables,
  }
}

/** Without our variables: one that is set in the shell would win over what was asked for. */
function environmentOf(state: StateDirectory): Environment {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !VARIABLES.some((variable) => variable === name),
  )
  return { ...Object.fromEntries(inherited), ...OFFLINE, ...state.environment }
}

/** Applies migrations and seeds, as a process that ends. */
export function startPreparation(state: StateDirectory, variables: Record<string, string>): Child {
  return startChild('prepare', {
    marker: state.marker,
    args: ['--no-warnings', join(import.meta.dirname, 'prepare.ts'), state.path],
    environment: { ...environmentOf(state), ...variables, WRANGLER_LOG: 'error' },
  })
}

/** Starts the Graph emulator, whose tenant outlives it in the state directory. */
export function startEmulator(state: StateDirectory, port: number): Child {
  const script = join(ROOT, 'test/graph/serve.ts')
  return startChild('graph', {
    marker: state.marker,
    args: [script, '--port', String(port), '--state', state.graph],
    environment: process.env,
    shows: () => isVerbose(),
  })
}

/** Starts `wrangler dev`. */
export function startGateway(
  state: StateDirectory,
  port: number,
  variables: Record<string, string>,
): Child {
  const entries = Object.entries(variables)
  const secrets = Object.fromEntries(entries.filter(([name]) => SECRETS.includes(name)))
  const plain = entries.filter(([name]) => !SECRETS.includes(name))
  return startChild('gateway', {
    marker: state.marker,
    args: [
      WRANGLER,
      'dev',
      '--show-interactive-dev-session=false',
      `--config=${join(ROOT, 'wrangler.toml')}`,
      `--ip=${LOOPBACK}`,
      `--port=${port}`,
      '--inspector-port=0',
      `--persist-to=${state.path}`,
      `--env-file=${state.writeSecrets(secrets)}`,
      `--log-level=${isVerbose() ? 'log' : 'warn'}`,
      ...plain.flatMap(([name, value]) => ['--var', `${name}:${value}`]),
    ],
    environment: environmentOf(state),
    shows: isNews,
  })
}

const isVerbose = (): boolean => process.env['DEV_VERBOSE'] !== undefined

/** Wrangler's advice to ring cron by hand is no news: `dev` rings it. */
const ADVICE = [
  /Scheduled Workers are not automatically triggered/,
  /To manually trigger a scheduled event/,
  /curl "http\S*\/cdn-cgi\/local\/scheduled"/,
  /For more details, see \S*https:\S*cron-triggers/,
]
const isNews = (line: string): boolean => !ADVICE.some((advice) => advice.test(line))
