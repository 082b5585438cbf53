/** The credential of a directory in requests and answers: what the app registration in Entra ID knows the gateway by. */
import * as v from 'valibot'

import type { ShownDirectory } from '../db/directory-store.ts'
import { readCertificate } from '../graph/certificate.ts'
import { federatedSubject } from '../graph/gateway-issuer.ts'
import type { Credential } from '../graph/token.ts'
import { textField, timeField } from '../http/parse-request.ts'
import { invalidField, type Problem } from '../http/problem.ts'
import type { JsonObject } from '../kernel/json.ts'
import { assertNever, err, ok, type Result } from '../kernel/result.ts'
import { toRfc3339 } from '../kernel/time.ts'

const TYPES = 'must be a credential with the type client_secret, certificate or federated'
const MAX_PEM = 32_000

export const credentialField = v.variant(
  'type',
  [
    v.strictObject({
      type: v.literal('client_secret'),
      secret: textField(1000),
      expiresAt: v.optional(v.nullable(timeField), null),
    }),
    v.strictObject({
      type: v.literal('certificate'),
      certificate: v.optional(textField(MAX_PEM)),
      privateKey: v.optional(textField(MAX_PEM)),
      /** Both in one text, as many tools write them. */
      pem: v.optional(textField(MAX_PEM)),
    }),
    v.strictObject({ type: v.literal('federated') }),
  ],
  TYPES,
)

type CredentialField = v.InferOutput<typeof credentialField>

/** What every federated credential of this deployment shares. */
export interface Issuer {
  readonly issuer: string
  readonly audience: string
}

export interface CredentialPorts {
  /** Seals a credential so that it opens for this directory alone; null when there is nothing to seal. */
  readonly sealCredential: (
    organizationId: string,
    directoryId: string,
    credential: Credential,
  ) => Promise<string | null>
  /** Undefined where the deployment is no issuer of tokens. */
  readonly issuer: Issuer | undefined
}

export interface NewCredential {
  readonly credential: Credential
  readonly expiresAt: number | null
}

/** The credential that a request brings for a directory, checked as far as that goes without Entra ID. */
export function readCredential(
  field: CredentialField,
  { issuer }: CredentialPorts,
  directoryId: string,
  now: number,
): Result<NewCredential, Problem> {
  switch (field.type) {
    case 'client_secret': {
      const { type, secret, expiresAt } = field
      if (expiresAt !== null && expiresAt <= now)
        return err(invalidField('/credential/expiresAt', PAST))
      return ok({ credential: { type, secret }, expiresAt })
    }
    case 'certificate':
      return readPems(field, now)
    case 'federated':
      if (issuer === undefined) return err(invalidField('/credential/type', NO_ISSUER))
      return ok({
        credential: { type: 'federated', subject: federatedSubject(directoryId) },
        expiresAt: null,
      })
    default:
      return assertNever(field)
  }
}

function readPems(
  field: Extract<CredentialField, { type: 'certificate' }>,
  now: number,
): Result<NewCredential, Problem> {
  const { pem } = field
  const isApart = field.certificate !== undefined || field.privateKey !== undefined
  if (pem !== undefined && isApart) return err(invalidField('/credential/pem', EITHER))
  const certificate = pem ?? field.certificate
  const privateKey = pem ?? field.privateKey
  if (certificate === undefined) return err(invalidField('/credential/certificate', MISSING))
  if (privateKey === undefined) return err(invalidField('/credential/privateKey', MISSING))
  const read = readCertificate({ certificate, privateKey }, now)
  if (!read.ok) {
    const name = pem === undefined ? read.error.field : 'pem'
    return err(invalidField(`/credential/${name}`, read.error.detail))
  }
  const { expiresAt, ...texts } = read.value
  return ok({ credential: { type: 'certificate', ...texts }, expiresAt })
}

/** A credential without its secret; of a federated one, what the administrator enters in Entra ID. */
export function showCredential(directory: ShownDirectory, issuer: Issuer | undefined): JsonObject {
  const { credentialType: type, credentialExpiresAt: expiresAt } = directory
  const shown = { type, expiresAt: expiresAt === null ? null : toRfc3339(expiresAt) }
  if (type !== 'federated' || issuer === undefined) return shown
  return { ...shown, ...issuer, subject: federatedSubject(directory.id) }
}

const PAST = 'lies in the past: the secret could never be used. Give a later time, or null'
const MISSING =
  'is missing: send "certificate" and "privateKey" as PEM, or both in one text as "pem"'
const EITHER = 'holds both already: leave out "certificate" and "privateKey", or "pem"'
const NO_ISSUER =
  'cannot be federated here: the gateway needs the settings PUBLIC_URL and SIGNING_KEY for it. Ask the operator to set them, or use a certificate'
