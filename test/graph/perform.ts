import { isJsonObject } from '../../src/kernel/json.ts'
import { type Caller, requireRole } from './access.ts'
import { chargeOf, isWrite } from './cost.ts'
import { type ErrorTrace, GraphError, serviceFailure } from './errors.ts'
import { type Answer, type GraphRequest, addressOf } from './exchange.ts'
import { faultyAnswer } from './faults.ts'
import { bringAbout } from './fault-events.ts'
import { findGroup, findUser } from './lookup.ts'
import { errorAnswer, traceHeaders, traceOf } from './respond.ts'
import { type Found, findRoute } from './routes/index.ts'
import type { Arrival } from './throttle/lane-counters.ts'
import type { Charge } from './throttle/throttle.ts'
import type { World } from './world.ts'

/** One request on its way through. */
interface Passage {
  readonly world: World
  readonly caller: Caller
  /** The HTTP request it belongs to. */
  readonly arrival: Arrival
  readonly request: GraphRequest
  readonly trace: ErrorTrace
  readonly found: Found | GraphError
  /** The object it writes; undefined for a read. */
  readonly object: string | undefined
  /** What it costs, unless it is refused. */
  readonly charge: Charge
}

interface Outcome {
  readonly answer: Answer
  readonly isCommitted: boolean
}

/**
 * Carries out one request for a caller whose token was good. Both roads come through here, the direct request
 * and the one inside a `$batch`, so that faults, counting and the journal exist once.
 */
export async function perform(
  world: World,
  caller: Caller,
  arrival: Arrival,
  request: GraphRequest,
): Promise<Answer> {
  caller.tenant.purgeExpired()
  const found = locate(request)
  const object = writtenObject(caller, request, found)
  const charge = chargeOf(found instanceof GraphError ? undefined : found.route, request)
  const trace = traceOf(world, request)
  const passage = { world, caller, arrival, request, found, object, charge, trace }
  const inFlight = object === undefined ? 0 : world.counters.enter(object)
  try {
    await world.pause()
    const outcome = refuse(passage) ?? (await strike(passage, inFlight))
    record(passage, outcome)
    return outcome.answer
  } finally {
    if (object !== undefined) world.counters.leave(object)
  }
}

function locate(request: GraphRequest): Found | GraphError {
  try {
    const [path = ''] = addressOf(request).split('?')
    return findRoute(request.method, path)
  } catch (error) {
    return expected(error)
  }
}

/** The 429 of a request for which a quota has no room; nothing else is asked of it then. */
function refuse({ world, caller, charge, trace }: Passage): Outcome | undefined {
  try {
    world.throttle.take(caller, charge)
    return undefined
  } catch (error) {
    const refusal = errorAnswer(expected(error), trace)
    const headers = { ...traceHeaders(trace), ...world.throttle.hints(caller), ...refusal.headers }
    return { answer: { ...refusal, headers }, isCommitted: false }
  }
}

async function strike(passage: Passage, inFlight: number): Promise<Outcome> {
  const { world, request, trace } = passage
  const fault = world.faults.strike(request)
  if (!fault) return execute(passage, inFlight)
  if (fault.event) bringAbout(fault.event, world, passage.caller)
  const truth = fault.commit ? await execute(passage, inFlight) : undefined
  if (fault.delay !== undefined) await world.sleep(fault.delay)
  return {
    answer: faultyAnswer(fault, truth?.answer, trace),
    isCommitted: truth?.isCommitted ?? false,
  }
}

async function execute(passage: Passage, inFlight: number): Promise<Outcome> {
  const { world, caller, arrival, request, found, trace } = passage
  const logged = caller.tenant.log.length
  try {
    if (found instanceof GraphError) throw found
    if (inFlight > 1 && world.rejectOverlaps) throw serviceFailure(409)
    if (found.route.roles.length > 0) requireRole(caller, found.route.roles)
    if (request.unreadable) throw request.unreadable
    const handled = found.route.handle({
      world,
      caller,
      request,
      tenant: caller.tenant,
      replica: world.lag.replicaFor(caller.tenant, request),
      params: found.params,
      perform: (inner) => perform(world, caller, arrival, inner),
    })
    const isCommitted = caller.tenant.log.length > logged
    return { answer: priced(passage, await handled), isCommitted }
  } catch (error) {
    return { answer: priced(passage, errorAnswer(expected(error), trace)), isCommitted: false }
  }
}

/** Adds what the request cost; a refusal costs no units. */
function priced({ world, caller, found, charge, trace }: Passage, told: Answer): Answer {
  if (!(found instanceof GraphError) && found.route.kind === 'batch') return told
  const isFree = told.status === 400 || told.status === 403
  if (isFree) world.throttle.giveBackUnits(caller, charge.units)
  const units = isFree ? 0 : charge.units
  return {
    ...told,
    headers: {
      ...traceHeaders(trace),
      'x-ms-resource-unit': String(units),
      ...world.throttle.hints(caller),
      ...told.headers,
    },
  }
}

function record(
  { world, caller, arrival, request, found, object, charge }: Passage,
  { answer, isCommitted }: Outcome,
): void {
  const kind = found instanceof GraphError ? undefined : found.route.kind
  if (kind === 'batch') return
  const status = answer.transport === 'hang-up' ? 0 : answer.status
  const units = Number(answer.headers['x-ms-resource-unit'] ?? 0)
  world.counters.request(status, units)
  const isWrite = charge.writes > 0
  world.counters.lanes.count(caller, arrival, { answer, isWrite, isCommitted, units })
  if (kind !== undefined && object !== undefined) world.counters.write(kind, isCommitted)
  world.journal.add({
    at: world.now(),
    method: request.method,
    url: addressOf(request),
    body: request.body,
    status,
    isCommitted,
    ...(request.envelope === undefined ? {} : { envelope: request.envelope }),
  })
}

/** Which object a write is about; writes on the same one must not overlap. */
function writtenObject(
  { tenant }: Caller,
  { method, body }: GraphRequest,
  found: Found | GraphError,
): string | undefined {
  if (found instanceof GraphError || !isWrite(found.route, method)) return undefined
  const key = found.params['memberId'] ?? found.params['id']
  const isAccount = found.route.kind.endsWith('deleteAccount')
  const address = isAccount ? key : found.params['id']
  if (address !== undefined)
    return (findUser(tenant, address) ?? findGroup(tenant, address))?.id ?? address.toLowerCase()
  const name = isJsonObject(body) ? (body['userPrincipalName'] ?? body['uniqueName']) : undefined
  return typeof name === 'string' ? `new:${name.toLowerCase()}` : 'new'
}

/** Anything but the service's own errors is a bug of the emulator. */
function expected(error: unknown): GraphError {
  if (error instanceof GraphError) return error
  throw error
}
