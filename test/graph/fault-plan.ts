import * as v from 'valibot'
import { type GraphRequest, addressOf } from './exchange.ts'
import type { FaultSpec } from './faults.ts'
import { type Random, seededRandom } from './random.ts'
import { readSettings } from './read-settings.ts'

/** What a plan may do to a request. */
export const FAULT_KINDS = [
  'commit-then-500',
  'commit-then-504',
  'commit-then-hang-up',
  'hang-up',
  'truncated',
  '429-burst',
  '503-burst',
  'concurrency',
  'expired-token',
  'dropped-consent',
  'drift',
] as const

export type FaultKind = (typeof FAULT_KINDS)[number]

/** Nothing goes on after it by itself, so it has to be asked for. */
const USUAL_KINDS = FAULT_KINDS.filter((kind) => kind !== 'dropped-consent')

const planSettings = v.strictObject({
  seed: v.optional(v.pipe(v.number(), v.integer()), 1),
  /** The share of requests that is struck. */
  rate: v.pipe(v.number(), v.minValue(0), v.maxValue(1)),
  kinds: v.optional(v.pipe(v.array(v.picklist(FAULT_KINDS)), v.minLength(1)), USUAL_KINDS),
  /** How many requests it strikes in all; default without end. */
  most: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0))),
})

export type FaultPlanOptions = v.InferInput<typeof planSettings>
export type FaultPlanSettings = v.InferOutput<typeof planSettings>

/** What a request is, as far as a plan cares. */
type Target = 'token' | 'envelope' | 'read' | 'write'

const SUITS: Partial<Record<FaultKind, readonly Target[]>> = {
  '429-burst': ['envelope', 'read', 'write'],
  concurrency: ['write'],
  'expired-token': ['envelope', 'read', 'write'],
  'dropped-consent': ['envelope', 'read', 'write'],
  drift: ['envelope', 'read', 'write'],
}

/** The longest burst. */
const MOST_IN_BURST = 5

/** Strikes a share of all requests by chance: envelopes, those inside, tokens. The same seed strikes the same ones. */
export class FaultPlan {
  readonly settings: FaultPlanSettings
  readonly #random: Random
  readonly #strikes = new Map<FaultKind, number>()
  #struck = 0
  /** The burst that is on: what it answers, and how often yet. */
  #burst: { readonly kind: FaultKind; readonly spec: FaultSpec; left: number } | undefined

  constructor(options: FaultPlanOptions) {
    this.settings = readSettings(planSettings, options)
    this.#random = seededRandom(this.settings.seed)
  }

  /** How often each kind has struck. */
  strikes(): Partial<Record<FaultKind, number>> {
    return Object.fromEntries(this.#strikes)
  }

  /** The fault that strikes this request, if chance wants one. */
  strike(request: GraphRequest): FaultSpec | undefined {
    const { rate, kinds, most = Infinity } = this.settings
    const target = targetOf(request)
    const isStruck = this.#random.next() < rate
    if (this.#struck >= most) return undefined
    const burst = this.#burst
    if (burst && burst.left > 0 && isSuited(burst.kind, target)) {
      burst.left -= 1
      return this.#count(burst.kind, burst.spec)
    }
    const suited = kinds.filter((kind) => isSuited(kind, target))
    const kind = suited[this.#random.below(suited.length)]
    if (!isStruck || kind === undefined) return undefined
    const spec = specOf(kind, this.#random)
    if (kind.endsWith('-burst'))
      this.#burst = { kind, spec, left: this.#random.below(MOST_IN_BURST) }
    return this.#count(kind, spec)
  }

  #count(kind: FaultKind, spec: FaultSpec): FaultSpec {
    this.#struck += 1
    this.#strikes.set(kind, (this.#strikes.get(kind) ?? 0) + 1)
    return spec
  }
}

function targetOf(request: GraphRequest): Target {
  const address = addressOf(request)
  if (address.endsWith('/token')) return 'token'
  if (address.endsWith('/$batch')) return 'envelope'
  return request.method === 'GET' ? 'read' : 'write'
}

const isSuited = (kind: FaultKind, target: Target): boolean => SUITS[kind]?.includes(target) ?? true

function specOf(kind: FaultKind, random: Random): FaultSpec {
  const seconds = 1 + random.below(5)
  const specs: Record<FaultKind, FaultSpec> = {
    'commit-then-500': { commit: true, status: 500 },
    'commit-then-504': { commit: true, status: 504 },
    'commit-then-hang-up': { commit: true, transport: 'hang-up' },
    'hang-up': { transport: 'hang-up' },
    truncated: { commit: true, transport: 'truncate' },
    '429-burst': { status: 429, retryAfter: seconds },
    // An overloaded server does not always say for how long.
    '503-burst': seconds > 3 ? { status: 503 } : { status: 503, retryAfter: seconds },
    concurrency: { status: 409 },
    'expired-token': { status: 401, event: 'revoke-tokens' },
    'dropped-consent': {
      status: 401,
      code: 'Authorization_IdentityNotFound',
      message: 'The identity of the calling application could not be established.',
      event: 'drop-consent',
    },
    drift: { commit: true, event: 'drift' },
  }
  return specs[kind]
}
