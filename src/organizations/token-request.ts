/** What a client sends to `/oauth/token`, read (RFC 6749 sections 2.3.1 and 4.4, RFC 7523 section 2.2). Pure. */
import { err, ok, type Result } from '../kernel/result.ts'

/** Why no token is issued, by the codes of RFC 6749 sections 5.2 and 4.1.2.1; the text is for whoever configures the client. */
export interface TokenFault {
  readonly error:
    | 'invalid_request'
    | 'invalid_client'
    | 'unsupported_grant_type'
    | 'invalid_scope'
    | 'temporarily_unavailable'
    | 'server_error'
  readonly description: string
}

/** By what a client shows who it is. */
export type ClientProof =
  | { readonly kind: 'secret'; readonly clientId: string; readonly secret: string }
  | { readonly kind: 'assertion'; readonly clientId: string | undefined; readonly jwt: string }

export interface TokenRequest {
  readonly proof: ClientProof
  /** As it was asked for: there is one scope, so whatever is asked for is granted. */
  readonly scope: string | undefined
}

const JWT_BEARER_CLIENT = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

const fault = (error: TokenFault['error'], description: string): Result<never, TokenFault> =>
  err({ error, description })

/** Reads a token request: its form, and its Authorization header if it has one. */
export function readTokenRequest(
  form: URLSearchParams,
  authorization: string | undefined,
): Result<TokenRequest, TokenFault> {
  const twice = [...form.keys()].find((name) => form.getAll(name).length > 1)
  if (twice !== undefined) return fault('invalid_request', `${printable(twice)} is sent twice.`)
  const grant = valueOf(form, 'grant_type')
  if (grant === undefined)
    return fault('invalid_request', 'grant_type is missing: send client_credentials.')
  if (grant !== 'client_credentials')
    return fault('unsupported_grant_type', 'The only grant_type is client_credentials.')
  const scope = valueOf(form, 'scope')
  // RFC 6749 section 3.3.
  if (
    scope !== undefined &&
    !/^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/.test(scope)
  )
    return fault('invalid_scope', 'The scope is no list of words.')
  const proof = readProof(form, authorization)
  return proof.ok ? ok({ proof: proof.value, scope }) : proof
}

function readProof(
  form: URLSearchParams,
  authorization: string | undefined,
): Result<ClientProof, TokenFault> {
  const clientId = valueOf(form, 'client_id')
  const secret = valueOf(form, 'client_secret')
  const jwt = valueOf(form, 'client_assertion')
  const ways = [authorization, secret, jwt].filter((way) => way !== undefined)
  if (ways.length > 1)
    return fault('invalid_request', 'The client authenticates in more than one way: use one.')
  if (authorization !== undefined) return readBasic(authorization, clientId)
  if (jwt !== undefined) return readAssertion(form, clientId, jwt)
  if (clientId === undefined || secret === undefined) return fault('invalid_client', NO_PROOF)
  return ok({ kind: 'secret', clientId, secret })
}

const NO_PROOF =
  'The client does not authenticate: send its id and secret (by Basic authentication, or as client_id and client_secret), or a client_assertion.'

function readAssertion(
  form: URLSearchParams,
  clientId: string | undefined,
  jwt: string,
): Result<ClientProof, TokenFault> {
  return valueOf(form, 'client_assertion_type') === JWT_BEARER_CLIENT
    ? ok({ kind: 'assertion', clientId, jwt })
    : fault('invalid_request', `client_assertion_type has to be ${JWT_BEARER_CLIENT}.`)
}

function readBasic(
  authorization: string,
  named: string | undefined,
): Result<ClientProof, TokenFault> {
  const encoded = /^Basic +([A-Za-z0-9+/]{1,2000}={0,2}) *$/i.exec(authorization)?.[1]
  const [clientId, ...rest] = decoded(encoded ?? '').split(':')
  if (clientId === undefined || clientId === '' || rest.length === 0)
    return fault('invalid_client', 'The Authorization header is no Basic authentication.')
  if (named !== undefined && named !== formDecoded(clientId))
    return fault('invalid_request', 'client_id and the Authorization header name two clients.')
  const secret = formDecoded(rest.join(':'))
  return ok({ kind: 'secret', clientId: formDecoded(clientId), secret })
}

function decoded(base64: string): string {
  try {
    return atob(base64)
  } catch {
    return ''
  }
}

/** Id and secret are form-encoded before they are joined (RFC 6749 section 2.3.1); ours look the same either way. */
function formDecoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text
  }
}

/** A parameter without a value counts as one that is absent (RFC 6749 section 3.2). */
const valueOf = (form: URLSearchParams, name: string): string | undefined =>
  form.get(name) || undefined

/** What may stand in an error_description (RFC 6749 section 5.2). */
const printable = (text: string): string =>
  text.slice(0, 40).replaceAll(/[^\x21\x23-\x5b\x5d-\x7e]/g, '?')
