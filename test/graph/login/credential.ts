import type { AppSettings } from '../settings.ts'
import type { Tenant } from '../tenant.ts'
import type { World } from '../world.ts'
import { checkAssertion } from './assertion.ts'
import { ASSERTION_TYPE, refusals } from './refusals.ts'
import type { TokenRequest } from './token.ts'

/** Demands a secret of the application, or an assertion that its certificate or an issuer it trusts has signed. */
export async function checkCredential(
  world: World,
  tenant: Tenant,
  app: AppSettings,
  request: TokenRequest,
): Promise<void> {
  const assertion = request.form.get('client_assertion')
  if (assertion) {
    if (request.form.get('client_assertion_type') !== ASSERTION_TYPE)
      throw refusals.noAssertionType()
    return checkAssertion(world, tenant, app, { ...request, assertion })
  }
  const secret = request.form.get('client_secret')
  if (!secret) throw refusals.noCredential()
  const known = app.secrets.find((one) => one.value === secret)
  if (!known) throw refusals.wrongSecret(app.clientId)
  if (known.expiresAt !== undefined && known.expiresAt <= world.now())
    throw refusals.expiredSecret(app.clientId)
}
