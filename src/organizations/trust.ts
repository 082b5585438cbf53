/** What a federated credential trusts: tokens of one issuer about one subject for one audience. */
import * as v from 'valibot'

import {
  ENTRA_PROVISIONING,
  entraIssuer,
  isKeyAddress,
  plainAudience,
  type Trust,
} from '../http/jwt-trust.ts'
import { textField } from '../http/parse-request.ts'
import { invalidField, type Problem } from '../http/problem.ts'
import { err, ok, type Result } from '../kernel/result.ts'

const ISSUER =
  'must be the issuer exactly as its tokens name it, an https:// URL such as https://login.microsoftonline.com/{tenant}/v2.0'

/** All three, or none where the source names its Entra tenant. */
export const trustFields = {
  issuer: v.optional(v.pipe(textField(400), v.check(isKeyAddress, ISSUER))),
  subject: v.optional(textField(255)),
  audience: v.optional(v.pipe(textField(255), v.transform(plainAudience))),
}

type Given = { readonly [name in keyof Trust]?: string | undefined }

/**
 * The trust that a request asks for; without any, that in the tokens with which Entra ID provisions of the source's own tenant.
 * `tenantGuid`: its id, where it is known.
 */
export function readTrust(
  { issuer, subject, audience }: Given,
  tenantGuid: string | null,
): Result<Trust, Problem> {
  if (issuer !== undefined && subject !== undefined && audience !== undefined)
    return ok({ issuer, subject, audience })
  if (issuer !== undefined || subject !== undefined || audience !== undefined) {
    const missing = Object.entries({ issuer, subject, audience })
      .filter(([, value]) => value === undefined)
      .map(([name]) => ({ pointer: `/${name}`, detail: 'is missing' }))
    return err({ kind: 'invalid', errors: missing })
  }
  if (tenantGuid === null) return err(invalidField('/issuer', NO_TENANT))
  return ok({ issuer: entraIssuer(tenantGuid), ...ENTRA_PROVISIONING })
}

const NO_TENANT =
  'is missing: give issuer, subject and audience, or set entraTenantId of the source to its tenant (its id, or a domain that Entra ID knows)'

/** What an administrator should know before relying on a trust. */
export const warningOf = (audience: string | null): { warning?: string } =>
  isEntraProvisioning(audience) ? { warning: SHARED_AUDIENCE } : {}

/** Whether an audience is that of the tokens with which Entra ID provisions of any tenant, to whomever. */
export const isEntraProvisioning = (audience: string | null): boolean =>
  audience === ENTRA_PROVISIONING.audience

const SHARED_AUDIENCE =
  'Entra ID sends tokens of this audience to every SCIM endpoint that your tenant configured without a credential: whoever runs another of them could use one here. Use it for tests, and workload identity federation or an OAuth client otherwise.'
