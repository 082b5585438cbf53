import { type AddressInfo } from 'node:net'
import { type HttpBindings, serve } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { Command, InvalidArgumentError } from 'commander'
import {
  DEMO_CLIENT_ID,
  DEMO_CLIENT_SECRET,
  DEMO_TENANT_ID,
  type EmulatorOptions,
  type GraphEmulator,
  HangUp,
  createGraphEmulator,
} from './emulator.ts'
import { type StateFile, openStateFile } from './state-file.ts'

export interface ServeOptions extends EmulatorOptions {
  /** 0, the default, takes any free port. */
  readonly port?: number
  /** Directory in which the tenants outlive the process; without it they live in memory. */
  readonly state?: string
}

export interface ServedEmulator {
  readonly emulator: GraphEmulator
  readonly port: number
  /** LOGIN_BASE_URL; GRAPH_BASE_URL is this and `/v1.0`. */
  readonly url: string
  readonly close: () => Promise<void>
}

/** Starts an emulator on a loopback port. */
export async function serveGraphEmulator(options: ServeOptions = {}): Promise<ServedEmulator> {
  const state = options.state === undefined ? undefined : openStateFile(options.state)
  const emulator = createGraphEmulator({ now: Date.now, ...options, ...persistence(state) })
  const server = serve({
    fetch: (request, env) => answer(emulator, request, env as HttpBindings),
    port: options.port ?? 0,
    hostname: '127.0.0.1',
  })
  await new Promise<void>((resolve, reject) => {
    server.once('listening', resolve)
    server.once('error', reject)
  })
  const { port } = server.address() as AddressInfo
  const close = async (): Promise<void> => {
    if ('closeAllConnections' in server) server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    state?.close()
  }
  return { emulator, port, url: `http://127.0.0.1:${port}`, close }
}

const persistence = (state: StateFile | undefined): EmulatorOptions =>
  state ? { history: state.history, persist: state.append } : {}

async function answer(
  emulator: GraphEmulator,
  request: Request,
  { outgoing }: HttpBindings,
): Promise<Response> {
  try {
    return await emulator.fetch(request)
  } catch (error) {
    if (!(error instanceof HangUp)) throw error
    outgoing.destroy()
    return RESPONSE_ALREADY_SENT
  }
}

interface Options {
  readonly port: number
  readonly state?: string
  readonly latency: number
  readonly throttle?: number
}

const number = (text: string): number => {
  if (/^\d+(?:\.\d+)?$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It is no number.')
}

async function main(): Promise<void> {
  const program = new Command('node test/graph/serve.ts')
    .description('An emulator of Microsoft Graph and of the login host, on one loopback port.')
    .option('--port <port>', 'the port; 0 takes any that is free', number, 8788)
    .option('--state <dir>', 'where the tenant outlives the process (default: in memory)')
    .option('--latency <ms>', 'how long every request takes', number, 0)
    .option(
      '--throttle <scale>',
      "Microsoft's quotas: 1 at their own pace, 60 a minute a second",
      number,
    )
    .showHelpAfterError()
    .parse()
  const { port, state, latency, throttle } = program.opts<Options>()
  const { url, close } = await serveGraphEmulator({
    port,
    latency,
    ...(state === undefined ? {} : { state }),
    ...(throttle === undefined ? {} : { throttle: { timeScale: throttle } }),
  })
  console.log(`Microsoft Graph emulator
  GRAPH_BASE_URL  ${url}/v1.0
  LOGIN_BASE_URL  ${url}
  tenant          ${DEMO_TENANT_ID}
  client id       ${DEMO_CLIENT_ID}
  client secret   ${DEMO_CLIENT_SECRET}
  control         ${url}/_control/state`)
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void close().then(() => process.exit(0)))
}

if (import.meta.main) await main()
