import type { Json } from '../../src/kernel/json.ts'
import { FaultPlan, type FaultPlanOptions } from './fault-plan.ts'
import { type ErrorTrace, errorBody, serviceFailure } from './errors.ts'
import { type Answer, type GraphRequest, addressOf, answer } from './exchange.ts'

/** A misbehaviour that is due: which requests it hits, how often, and what it does to them. */
export interface FaultSpec {
  readonly match?: {
    readonly method?: string
    /** Regular expression over path and query: `^/users$`, `/\$batch$`, `/oauth2/`. Without it envelopes and tokens pass. */
    readonly path?: string
  }
  /** Any further condition; tests in the same process only. */
  readonly when?: (request: GraphRequest) => boolean
  /** How many matching requests it hits; default 1. */
  readonly times?: number
  /** How many matching requests it lets pass first; default 0. */
  readonly skip?: number
  /** True: the request is carried out, and only its answer is lost. Default false: nothing happens. */
  readonly commit?: boolean
  /** What is answered; without it the true answer (with `commit`) or 500. */
  readonly status?: number
  /** Seconds, decimals allowed. */
  readonly retryAfter?: number
  readonly code?: string
  readonly message?: string
  /** Replaces the whole body. */
  readonly body?: Json
  readonly headers?: Readonly<Record<string, string>>
  /** Drop the connection without an answer, or after half of the body. */
  readonly transport?: 'hang-up' | 'truncate'
  /** What happens beside it: all tokens expire, the tenant's consent is taken back, another administrator changes a user. */
  readonly event?: 'revoke-tokens' | 'drop-consent' | 'drift'
  /** Milliseconds before the answer. */
  readonly delay?: number
}

/** A planned fault and how often it has struck. */
export interface PlannedFault {
  readonly spec: FaultSpec
  hits: number
  passed: number
}

/** The faults of one emulator, in the order in which they were planned. */
export class Faults {
  #planned: PlannedFault[] = []
  #plan: FaultPlan | undefined

  /** Plans a fault; throws when its expression is none. */
  add(spec: FaultSpec): PlannedFault {
    // A broken expression is told to whoever plans it, not to the request that meets it.
    if (spec.match?.path !== undefined) RegExp(spec.match.path)
    const planned = { spec, hits: 0, passed: 0 }
    this.#planned.push(planned)
    return planned
  }

  /** From now on a share of all requests is struck by chance, until `clear`. */
  plan(options: FaultPlanOptions): FaultPlan {
    this.#plan = new FaultPlan(options)
    return this.#plan
  }

  /** What strikes by chance, if anything does. */
  get current(): FaultPlan | undefined {
    return this.#plan
  }

  list(): readonly PlannedFault[] {
    return this.#planned
  }

  clear(): void {
    this.#planned = []
    this.#plan = undefined
  }

  /** The fault that strikes this request, if any; it is counted as struck. */
  strike(request: GraphRequest): FaultSpec | undefined {
    for (const planned of this.#planned) {
      const { spec } = planned
      if (planned.hits >= (spec.times ?? 1) || !isHit(spec, request)) continue
      if (planned.passed < (spec.skip ?? 0)) {
        planned.passed += 1
        continue
      }
      planned.hits += 1
      return spec
    }
    return this.#plan?.strike(request)
  }
}

function isHit(spec: FaultSpec, request: GraphRequest): boolean {
  const { method, path } = spec.match ?? {}
  if (method !== undefined && method.toUpperCase() !== request.method) return false
  const address = addressOf(request)
  // A rule for everything means every Graph operation: an envelope or a token has to be named.
  if (path === undefined && /\/(?:\$batch|token)$/.test(address)) return false
  if (path !== undefined && !new RegExp(path).test(address)) return false
  return spec.when?.(request) ?? true
}

/** What the client gets instead of the true answer (undefined when nothing was carried out). */
export function faultyAnswer(
  spec: FaultSpec,
  truth: Answer | undefined,
  trace: ErrorTrace,
): Answer {
  const told = spec.status === undefined && truth ? truth : failure(spec, trace)
  return spec.transport ? { ...told, transport: spec.transport } : told
}

function failure(spec: FaultSpec, trace: ErrorTrace): Answer {
  const status = spec.status ?? 500
  const headers = {
    ...(spec.retryAfter === undefined ? {} : { 'Retry-After': String(spec.retryAfter) }),
    ...spec.headers,
  }
  const { code, message } = spec
  const error = serviceFailure(status, {
    ...(code === undefined ? {} : { code }),
    ...(message === undefined ? {} : { message }),
  })
  return answer(status, spec.body ?? errorBody(error, trace), headers)
}
