import { type Json, type JsonObject, isJsonArray, isJsonObject } from '../../../src/kernel/json.ts'
import { payloadErrors } from '../errors.ts'
import { type Answer, type GraphRequest, answer } from '../exchange.ts'
import { errorAnswer, traceOf } from '../respond.ts'
import { type Context, route } from '../route.ts'
import { objectBody } from '../rules/property.ts'
import { textFrom } from '../text.ts'

const MOST_REQUESTS = 20

/** One request of a batch, its envelope's rules already checked. */
interface Step {
  readonly id: string
  readonly request: GraphRequest
  readonly dependsOn: readonly string[]
}

async function batch(context: Context): Promise<Answer> {
  const { world, request } = context
  if (request.envelope !== undefined) throw payloadErrors.batchNested()
  const { requests } = objectBody(request.body)
  if (!isJsonArray(requests) || requests.length === 0) throw payloadErrors.batchFormat()
  if (requests.length > MOST_REQUESTS) throw payloadErrors.batchTooLarge()
  const envelope = world.counters.envelope(requests.length)
  const steps = requests.map((item) => readStep(item, request, envelope))
  checkIds(steps)
  checkDependencies(steps)
  const answers = await runAll(context, steps)
  const lost = [...answers.values()].find((inner) => inner.transport !== undefined)
  const responses = world.random
    .shuffle([...answers])
    .map(([id, inner]) => responseOf(context, id, inner))
  return {
    ...answer(200, { responses }),
    ...(lost?.transport ? { transport: lost.transport } : {}),
  }
}

function readStep(item: Json, outer: GraphRequest, envelope: number): Step {
  if (!isJsonObject(item)) throw payloadErrors.batchFormat()
  const { id, method, url, dependsOn = [] } = item
  if (typeof id !== 'string' || id === '' || typeof method !== 'string' || typeof url !== 'string')
    throw payloadErrors.batchFormat()
  if (/^[a-z][a-z0-9+.-]*:|^\/\//i.test(url)) throw payloadErrors.batchAbsoluteUrl(id)
  if (!isJsonArray(dependsOn)) throw payloadErrors.batchFormat()
  const headers = readHeaders(item['headers'])
  const verb = method.toUpperCase()
  checkContent(id, verb, headers, item['body'])
  const request = {
    method: verb,
    url: new URL(`${outer.url.origin}/v1.0/${url.replace(/^\//, '')}`),
    headers,
    body: item['body'] ?? undefined,
    envelope,
  }
  return { id, request, dependsOn: dependsOn.map(textFrom) }
}

function readHeaders(headers: Json | undefined): Headers {
  if (!isJsonObject(headers)) return new Headers()
  return new Headers(Object.entries(headers).map(([name, value]) => [name, textFrom(value)]))
}

/** A body needs its Content-Type, and a write its body, even an empty one. */
function checkContent(id: string, method: string, headers: Headers, body: Json | undefined): void {
  const hasBody = (body ?? null) !== null
  const needsBody = ['POST', 'PATCH', 'PUT'].includes(method)
  if (needsBody && !hasBody) throw payloadErrors.batchBody(id)
  if (hasBody && !headers.has('content-type')) throw payloadErrors.batchContentType(id)
}

function checkIds(steps: readonly Step[]): void {
  const ids = new Set(steps.map((step) => step.id.toLowerCase()))
  if (ids.size < steps.length) throw payloadErrors.batchDuplicateId()
}

/** No dependencies, one chain through all requests in order, or all others on the same one: nothing else. */
function checkDependencies(steps: readonly Step[]): void {
  const chosen = steps.filter((step) => step.dependsOn.length > 0)
  if (chosen.length === 0) return
  const isChain = steps.every((step, i) =>
    i === 0 ? step.dependsOn.length === 0 : isOnly(step, steps[i - 1]?.id),
  )
  const free = steps.filter((step) => step.dependsOn.length === 0)
  const hub = free.length === 1 ? free[0]?.id : undefined
  const isStar = hub !== undefined && chosen.every((step) => isOnly(step, hub))
  if (!isChain && !isStar) throw payloadErrors.batchDependsOn()
}

const isOnly = (step: Step, id: string | undefined): boolean =>
  step.dependsOn.length === 1 && id?.toLowerCase() === step.dependsOn[0]?.toLowerCase()

/** Runs what depends on nothing at once and in no particular order, and the rest as its dependency is answered. */
async function runAll(context: Context, steps: readonly Step[]): Promise<Map<string, Answer>> {
  const running = new Map<string, Promise<Answer>>()
  const start = (step: Step): Promise<Answer> => {
    const [dependency] = step.dependsOn
    const before = dependency === undefined ? undefined : running.get(dependency.toLowerCase())
    return before ? runAfter(context, step, before) : context.perform(step.request)
  }
  const free = steps.filter((step) => step.dependsOn.length === 0)
  const bound = steps.filter((step) => step.dependsOn.length > 0)
  for (const step of [...context.world.random.shuffle(free), ...bound])
    running.set(step.id.toLowerCase(), start(step))
  const answers = new Map<string, Answer>()
  for (const step of steps) {
    const inner = await running.get(step.id.toLowerCase())
    if (inner) answers.set(step.id, inner)
  }
  return answers
}

async function runAfter(context: Context, step: Step, before: Promise<Answer>): Promise<Answer> {
  const { status } = await before
  if (status < 400) return context.perform(step.request)
  return errorAnswer(payloadErrors.failedDependency(), traceOf(context.world, step.request))
}

function responseOf({ world }: Context, id: string, inner: Answer): JsonObject {
  const headers = Object.entries({
    'Cache-Control': 'no-cache',
    ...(inner.body === undefined ? {} : { 'Content-Type': 'application/json' }),
    ...inner.headers,
  }).map(([name, value]) => [anyCase(world.random.below(3), name), value])
  return {
    id,
    status: inner.status,
    headers: Object.fromEntries(headers),
    body: inner.body ?? null,
  }
}

/** Header names come in whatever case a server behind the batch happens to use. */
function anyCase(choice: number, name: string): string {
  if (choice === 0) return name.toLowerCase()
  return choice === 1 ? name.toUpperCase() : name
}

/** The envelope itself needs no permission: each inner request is judged for itself. */
export const batchRoutes = [route('POST /$batch', 'batch', [], batch)]
