/** Why Entra ID gave no token, or Graph refused it: as a value that says whether waiting can help. */
import type { JsonObject } from '../kernel/json.ts'
import { parseRetryAfter } from './retry-after.ts'

/**
 * `permanent`: only an administrator can help, so the connection is paused; `message` and `whatToDo` are for that person.
 * `transient`: the same request may succeed later. In both cases nothing reached Graph's data.
 */
export type AuthFailure =
  | {
      readonly kind: 'permanent'
      /** `AADSTS7000222`, Graph's code, or a code of ours. */
      readonly code: string
      readonly message: string
      readonly whatToDo: string
      /** Entra ID's trace id, or Graph's request id, for Microsoft's support. */
      readonly requestId?: string
    }
  | {
      readonly kind: 'transient'
      readonly code: string
      readonly message: string
      readonly retryAfterSeconds?: number
      readonly requestId?: string
    }

interface Explanation {
  readonly message: string
  readonly whatToDo: string
}

const NEW_SECRET =
  'In Entra ID, under App registrations > Certificates & secrets, create a new client secret and enter its value (not its ID) in this directory.'
const CONSENT =
  'An administrator of the Microsoft 365 tenant has to grant admin consent to the application, then check the connection again.'
const CHECK_CREDENTIAL =
  'Compare the credential configured in this directory with the one in the app registration, then check the connection again.'

/** Entra ID's sign-in error codes (https://learn.microsoft.com/entra/identity-platform/reference-error-codes) that last. */
const PERMANENT: Readonly<Record<number, Explanation>> = {
  7000215: {
    message: 'Microsoft Entra ID does not accept the client secret.',
    whatToDo: `Often the ID of the secret was entered instead of its value. ${NEW_SECRET}`,
  },
  7000222: { message: 'The client secret has expired.', whatToDo: NEW_SECRET },
  700016: {
    message: 'The application is not known in this Microsoft 365 tenant.',
    whatToDo: `Check the tenant ID and the client ID. ${CONSENT}`,
  },
  7000229: {
    message: 'The application has no service principal in this Microsoft 365 tenant.',
    whatToDo: CONSENT,
  },
  90002: {
    message: 'Microsoft Entra ID knows no tenant with this ID.',
    whatToDo: 'Check the tenant ID of this directory.',
  },
  900023: {
    message: 'The tenant ID is neither an ID nor a domain of Microsoft Entra ID.',
    whatToDo: 'Check the tenant ID of this directory.',
  },
  700027: {
    message: 'The certificate is not registered with the application.',
    whatToDo: CHECK_CREDENTIAL,
  },
  700021: {
    message: 'The client assertion was issued for another application.',
    whatToDo: CHECK_CREDENTIAL,
  },
  700023: {
    message: 'The client assertion names another audience.',
    whatToDo: CHECK_CREDENTIAL,
  },
  700024: {
    message: 'The client assertion is outside its time of validity.',
    whatToDo: CHECK_CREDENTIAL,
  },
  700213: {
    message: 'The application has no matching federated credential.',
    whatToDo:
      'Compare issuer, subject and audience of the federated credential in the app registration with those shown for this directory.',
  },
  70021: {
    message: 'The application has no matching federated credential.',
    whatToDo:
      'Compare issuer, subject and audience of the federated credential in the app registration with those shown for this directory.',
  },
  7000112: {
    message: 'The application is disabled in this Microsoft 365 tenant.',
    whatToDo: 'Enable the application under Enterprise applications in Entra ID.',
  },
  53003: {
    message: 'A Conditional Access policy blocks the application.',
    whatToDo: 'Exclude the application (a workload identity) from the policy in Entra ID.',
  },
  500011: {
    message: 'Microsoft Graph has no service principal in this Microsoft 365 tenant.',
    whatToDo: 'Check the tenant ID and that the tenant belongs to the cloud configured here.',
  },
  65001: { message: 'Nobody has consented to the application.', whatToDo: CONSENT },
}

/** Codes that pass by themselves. */
const TRANSIENT = new Set([90033, 50196, 90013, 90020, 90024, 90006])
/** Codes that pass by themselves while a fresh consent still spreads through Entra ID. */
const TRANSIENT_AFTER_CONSENT = new Set([700016, 7000229])
const CONSENT_SPREADS_MS = 5 * 60_000
const THROTTLED_SECONDS = 60

/** An answer of the token endpoint. */
export interface LoginAnswer {
  readonly status: number
  readonly retryAfter: string | null
  readonly body: JsonObject
}

/**
 * Explains the token endpoint's refusal (undefined: it did not answer). `sinceConnectedMs` is the age of the connection.
 * Entra ID's own text is left out: it names accounts and repeats what was sent.
 */
export function classifyTokenFailure(
  refusal: LoginAnswer | undefined,
  sinceConnectedMs: number,
): AuthFailure {
  if (!refusal)
    return {
      kind: 'transient',
      code: 'login_unreachable',
      message: 'Microsoft Entra ID did not answer.',
    }
  const number = aadstsNumber(refusal.body)
  const code = number === undefined ? `http_${refusal.status}` : `AADSTS${number}`
  const traceId = refusal.body['trace_id']
  const evidence = { code, ...(typeof traceId === 'string' ? { requestId: traceId } : {}) }
  if (passes(refusal.status, number, sinceConnectedMs))
    return {
      kind: 'transient',
      ...evidence,
      message: 'Microsoft Entra ID could not give a token at the moment.',
      ...retryAfter(refusal),
    }
  const explanation = number === undefined ? undefined : PERMANENT[number]
  return {
    kind: 'permanent',
    ...evidence,
    message: explanation?.message ?? `Microsoft Entra ID refused the application (${code}).`,
    whatToDo:
      explanation?.whatToDo ??
      `Look up ${code} at https://login.microsoftonline.com/error, then check the connection again.`,
  }
}

/** The failure of a federated credential in a deployment that issues no assertions. */
export const NO_ISSUER: AuthFailure = {
  kind: 'permanent',
  code: 'not_an_issuer',
  message: 'This gateway has no PUBLIC_URL or no usable SIGNING_KEY, so it cannot prove who it is.',
  whatToDo:
    'The operator of the gateway has to set both, or you enter a client secret or a certificate for this directory.',
}

/** The failure of a token that Graph refuses although it is new. `code` is Graph's. */
export function refusedToken(
  code: string,
  requestId: string | undefined,
  sinceConnectedMs: number,
): AuthFailure {
  const evidence = { code, ...(requestId === undefined ? {} : { requestId }) }
  const message = 'Microsoft Graph does not accept the application.'
  if (sinceConnectedMs < CONSENT_SPREADS_MS) return { kind: 'transient', ...evidence, message }
  return { kind: 'permanent', ...evidence, message, whatToDo: CONSENT }
}

function passes(status: number, number: number | undefined, sinceConnectedMs: number): boolean {
  // An answer of 200 without a token is a fault of whoever stands between.
  if (status === 200 || status === 408 || status === 429 || status >= 500) return true
  if (number === undefined) return false
  if (TRANSIENT_AFTER_CONSENT.has(number)) return sinceConnectedMs < CONSENT_SPREADS_MS
  return TRANSIENT.has(number)
}

function retryAfter(refusal: LoginAnswer): { retryAfterSeconds?: number } {
  const stated = parseRetryAfter(refusal.retryAfter ?? undefined)
  const silent = refusal.status === 429 || refusal.status >= 500 ? THROTTLED_SECONDS : undefined
  const retryAfterSeconds = stated ?? silent
  return retryAfterSeconds === undefined ? {} : { retryAfterSeconds }
}

/** The number of the error: from `error_codes`, else from the text's first AADSTS. */
function aadstsNumber(body: JsonObject): number | undefined {
  const codes = body['error_codes']
  const first: unknown = Array.isArray(codes) ? codes[0] : undefined
  if (typeof first === 'number') return first
  const text = body['error_description']
  const match = typeof text === 'string' ? /AADSTS(\d{4,8})/.exec(text) : null
  return match ? Number(match[1]) : undefined
}
