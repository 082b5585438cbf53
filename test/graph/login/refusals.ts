/** The only kind of client assertion (RFC 7523 section 2.2). */
export const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** A refusal of the token endpoint. */
export class TokenError extends Error {
  readonly status: number
  readonly error: string
  readonly code: number

  constructor(status: number, error: string, code: number, message: string) {
    super(message)
    this.status = status
    this.error = error
    this.code = code
  }
}

export const refusals = {
  missing: (name: string) =>
    new TokenError(
      400,
      'invalid_request',
      900144,
      `The request body must contain the following parameter: '${name}'.`,
    ),
  unknownTenant: (name: string) =>
    new TokenError(
      400,
      'invalid_request',
      90002,
      `Tenant '${name}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant.`,
    ),
  unknownApp: (id: string, tenant: string) =>
    new TokenError(
      400,
      'unauthorized_client',
      700016,
      `Application with identifier '${id}' was not found in the directory '${tenant}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.`,
    ),
  disabledApp: (id: string) =>
    new TokenError(400, 'unauthorized_client', 7000112, `Application '${id}' is disabled.`),
  grantType: (name: string) =>
    new TokenError(
      400,
      'unsupported_grant_type',
      70003,
      `The app requested an unsupported grant type '${name}'.`,
    ),
  scope: (scope: string) =>
    new TokenError(
      400,
      'invalid_scope',
      1002012,
      `The provided value for scope ${scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).`,
    ),
  noCredential: () =>
    new TokenError(
      401,
      'invalid_client',
      7000216,
      "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.",
    ),
  wrongSecret: (id: string) =>
    new TokenError(
      401,
      'invalid_client',
      7000215,
      `Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${id}'.`,
    ),
  expiredSecret: (id: string) =>
    new TokenError(
      401,
      'invalid_client',
      7000222,
      `The provided client secret keys for app '${id}' are expired. Visit the Azure portal to create new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: https://aka.ms/certCreds.`,
    ),
  noAssertionType: () =>
    new TokenError(
      400,
      'invalid_request',
      900144,
      `The request body must contain the following parameter: 'client_assertion_type'. It must be '${ASSERTION_TYPE}'.`,
    ),
  malformedAssertion: () =>
    new TokenError(400, 'invalid_request', 50027, 'JWT token is invalid or malformed.'),
  badSignature: (reason: string, key: string) =>
    new TokenError(
      401,
      'invalid_client',
      700027,
      `Client assertion failed signature validation. [Reason - ${reason}, Thumbprint of key used by client: '${key}'].`,
    ),
  otherApp: () =>
    new TokenError(
      401,
      'invalid_client',
      700021,
      "Client assertion application identifier doesn't match 'client_id' parameter.",
    ),
  audience: () =>
    new TokenError(
      401,
      'invalid_client',
      700023,
      'Client assertion audience claim does not match Realm issuer.',
    ),
  validity: (now: string, from: string, until: string) =>
    new TokenError(
      401,
      'invalid_client',
      700024,
      `Client assertion is not within its valid time range. Current time: ${now}, assertion valid from ${from}, expiry time of assertion ${until}.`,
    ),
  replayed: () =>
    new TokenError(
      401,
      'invalid_client',
      50013,
      'Assertion is invalid: it was presented before, and each may be presented once.',
    ),
  noFederatedSubject: (subject: string) =>
    new TokenError(
      401,
      'invalid_client',
      700213,
      `No matching federated identity record found for presented assertion subject '${subject}'. Check your federated identity credential Subject, Audience and Issuer against the presented assertion.`,
    ),
  noFederatedIdentity: (issuer: string, subject: string, audience: string) =>
    new TokenError(
      401,
      'invalid_client',
      70021,
      `No matching federated identity record found for presented assertion. Assertion Issuer: '${issuer}'. Assertion Subject: '${subject}'. Assertion Audience: '${audience}'.`,
    ),
} as const
