/**
 * Plays the recorded cycle as Entra ID would: parts one after the other, a few resources at a time, one resource's
 * requests in order. What got no answer is repeated when it is played again: found by its match query, then created.
 */
import { type Exchange, fillRequest, type Part, unitsOf } from './cycle.ts'
import type { RecordedRequest } from './recording/requests.ts'

/** What Entra ID remembers between requests; it survives the death of the gateway. */
export interface Memory {
  readonly ids: Map<string, string>
  /** Names of the exchanges that were answered. */
  readonly done: Set<string>
  /** Exchanges that were sent, answered or not. */
  readonly sent: Set<string>
  /** Resources that were there already when the cycle looked for them. */
  readonly found: Set<string>
}

export const newMemory = (): Memory => ({
  ids: new Map(),
  done: new Set(),
  sent: new Set(),
  found: new Set(),
})

export interface PlayOptions {
  readonly base: string
  readonly token: string
  readonly memory: Memory
  readonly onAnswer?: (part: Part) => void
  readonly concurrency?: number
  readonly fetch?: typeof fetch
}

/** The gateway answered something that Entra ID would not understand. */
export class WrongAnswer extends Error {}
/** The gateway did not answer. */
export class NoAnswer extends Error {}

interface Answer {
  readonly status: number
  readonly text: string
}

const TIMEOUT_MS = 60_000

/** Plays what is not done yet. */
export async function play(parts: readonly Part[], options: PlayOptions): Promise<void> {
  for (const part of parts) await playPart(part, options)
}

async function playPart(part: Part, options: PlayOptions): Promise<void> {
  const units = unitsOf(part).values()
  let failure: unknown
  const worker = async (): Promise<void> => {
    for (const unit of units) {
      if (failure !== undefined) return
      try {
        await playUnit(unit, part, options)
      } catch (error) {
        failure ??= error
      }
    }
  }
  await Promise.all(Array.from({ length: options.concurrency ?? 4 }, worker))
  if (failure !== undefined) throw failure
}

async function playUnit(
  unit: readonly Exchange[],
  part: Part,
  options: PlayOptions,
): Promise<void> {
  const { memory } = options
  for (const exchange of unit) {
    if (memory.done.has(exchange.name)) continue
    const isKnown = exchange.of !== undefined && memory.ids.has(exchange.of)
    const needless = isKnown && (exchange.kind === 'match' || exchange.kind === 'create')
    if (!needless) await playExchange(exchange, options)
    // A match that found nothing is asked again, should the create that follows get no answer.
    if (exchange.kind !== 'match' || needless) memory.done.add(exchange.name)
    options.onAnswer?.(part)
  }
}

async function playExchange(exchange: Exchange, options: PlayOptions): Promise<void> {
  const { memory } = options
  const isRepeat = memory.sent.has(exchange.name)
  memory.sent.add(exchange.name)
  const request = fillRequest(exchange.request, memory.ids, options.token)
  const answer = await send(request, options)
  if (exchange.kind === 'delete' && isRepeat && answer.status === 404) return
  if (answer.status !== exchange.expect.status) throw wrong(exchange, request, answer)
  if (exchange.kind === 'match') return remember(exchange, answer, options)
  if (exchange.kind === 'create') return keepId(exchange, memory, parse(answer))
  const { totalResults } = exchange.expect
  if (totalResults !== undefined && parse(answer)['totalResults'] !== totalResults)
    throw wrong(exchange, request, answer)
}

/** Keeps the id of the one resource that was found; Entra ID knows those of its renamed ones from earlier cycles. */
async function remember(exchange: Exchange, answer: Answer, options: PlayOptions): Promise<void> {
  const { memory, token } = options
  const found = firstOf(answer)
  if (found !== undefined) return keepId(exchange, memory, found, true)
  if (exchange.laterPath === undefined) return
  const later = { ...exchange.request, path: exchange.laterPath }
  const request = fillRequest(later, memory.ids, token)
  const second = await send(request, options)
  if (second.status !== 200) throw wrong(exchange, request, second)
  const renamed = firstOf(second)
  if (renamed !== undefined) keepId(exchange, memory, renamed, true)
}

function keepId(
  { of, name }: Exchange,
  memory: Memory,
  resource: Readonly<Record<string, unknown>>,
  wasThere = false,
): void {
  const { id } = resource
  if (typeof id !== 'string' || of === undefined)
    throw new WrongAnswer(`"${name}" was answered without an id.`)
  memory.ids.set(of, id)
  if (wasThere) memory.found.add(of)
}

function firstOf(answer: Answer): Readonly<Record<string, unknown>> | undefined {
  const { Resources } = parse(answer)
  return Array.isArray(Resources)
    ? (Resources[0] as Readonly<Record<string, unknown>> | undefined)
    : undefined
}

function parse({ text }: Answer): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text) as Readonly<Record<string, unknown>>
  } catch {
    return {}
  }
}

const wrong = (exchange: Exchange, request: RecordedRequest, answer: Answer): WrongAnswer =>
  new WrongAnswer(
    `The step "${exchange.name}" was answered ${answer.status}, and Entra ID expects ${wish(exchange)}.
  ${request.method} ${request.path}
  ${request.body === undefined ? '' : JSON.stringify(request.body).slice(0, 1000)}
  ${answer.status} ${answer.text.slice(0, 1000)}`,
  )

const wish = ({ expect: { status, totalResults } }: Exchange): string =>
  totalResults === undefined ? String(status) : `${status} with totalResults ${totalResults}`

async function send(request: RecordedRequest, options: PlayOptions): Promise<Answer> {
  const { method, path, headers, body } = request
  const call = options.fetch ?? fetch
  try {
    const response = await call(`${options.base}${path}`, {
      method,
      headers: { ...headers },
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return { status: response.status, text: await response.text() }
  } catch (error) {
    const why = error instanceof Error ? (error.cause ?? error) : error
    throw new NoAnswer(`${method} ${path} got no answer (${String(why)}).`, { cause: error })
  }
}
