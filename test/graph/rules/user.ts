import { type Json, type JsonObject, isJsonArray, isJsonObject } from '../../../src/kernel/json.ts'
import {
  type Caller,
  isSynced,
  requirePasswordReset,
  requireReach,
  requireUpdate,
} from '../access.ts'
import type { DirectoryObject } from '../changes.ts'
import { accessErrors, valueErrors } from '../errors.ts'
import { propertyOf } from '../schema.ts'
import type { Tenant } from '../tenant.ts'
import { checkPassword } from './password.ts'
import { checkProperties, checkRequired, objectBody, propertiesIn } from './property.ts'
import { checkUnique } from './unique.ts'
import { textFrom } from '../text.ts'

/** What a write does to a user: the properties to store and, apart from them, the password. */
export interface UserWrite {
  readonly properties: JsonObject
  readonly password?: string
}

/** Judges the body of a create. */
export function checkNewUser(tenant: Tenant, body: Json | undefined): UserWrite {
  if (isJsonObject(body) && Object.keys(body).some((name) => name.endsWith('@odata.bind')))
    throw valueErrors.unknownProperty()
  const values = propertiesIn(objectBody(body))
  checkRequired('user', values)
  checkProperties(tenant, 'user', values)
  checkDomain(tenant, values, undefined)
  const password = checkPassword(
    values['passwordProfile'] ?? null,
    textFrom(values['userPrincipalName']),
  )
  const properties = stored(values, undefined)
  checkUnique(tenant, properties)
  return { properties, password }
}

/** Judges the body of an update. */
export function checkUserUpdate(
  caller: Caller,
  user: DirectoryObject,
  body: Json | undefined,
): UserWrite {
  const { tenant } = caller
  const values = propertiesIn(objectBody(body))
  requireUpdate(caller, Object.keys(values))
  if ('passwordProfile' in values) checkPasswordAccess(caller, values)
  checkProperties(tenant, 'user', values)
  checkMastered(user, values)
  if (Object.keys(values).some((name) => propertyOf('user', name)?.sensitive))
    requireReach(caller, user)
  checkDomain(tenant, values, user)
  const properties = stored(values, user)
  checkUnique(tenant, properties, user.id)
  const profile = values['passwordProfile']
  // Without a password the profile only demands a change at the next sign-in.
  if (!isJsonObject(profile) || profile['password'] === undefined) return { properties }
  const upn = textFrom(user.properties['userPrincipalName'])
  return { properties, password: checkPassword(profile, upn) }
}

/** A password travels alone: beside anything else the whole update is refused. */
function checkPasswordAccess(caller: Caller, values: JsonObject): void {
  if (Object.keys(values).length > 1) throw accessErrors.denied()
  requirePasswordReset(caller)
}

function checkMastered(user: DirectoryObject, values: JsonObject): void {
  if (isSynced(user) && Object.keys(values).length > 0) throw valueErrors.synced()
  const wasSynced = user.properties['onPremisesSyncEnabled'] === false
  if (wasSynced && 'onPremisesExtensionAttributes' in values) throw valueErrors.formerlySynced()
}

/** The domain must be verified; a federated one demands an immutable id. */
export function checkDomain(
  tenant: Tenant,
  values: JsonObject,
  user: DirectoryObject | undefined,
): void {
  const upn = values['userPrincipalName']
  if (typeof upn !== 'string') return
  const domain = tenant.domain(upn.slice(upn.indexOf('@') + 1))
  if (!domain || domain.isVerified === false) throw valueErrors.unverifiedDomain()
  if (domain.authenticationType !== 'Federated') return
  const immutableId = values['onPremisesImmutableId'] ?? user?.properties['onPremisesImmutableId']
  if ((immutableId ?? null) === null) throw valueErrors.invalidValues()
}

/** The values as they are kept: no password, whole complex values, addresses that follow `mail`. */
function stored(values: JsonObject, user: DirectoryObject | undefined): JsonObject {
  const { passwordProfile: _, ...rest } = values
  const kept: Record<string, Json> = { ...rest }
  const { employeeOrgData, onPremisesExtensionAttributes, mail } = rest
  if (isJsonObject(employeeOrgData))
    kept['employeeOrgData'] = { costCenter: null, division: null, ...employeeOrgData }
  if (isJsonObject(onPremisesExtensionAttributes))
    kept['onPremisesExtensionAttributes'] = merged(
      user?.properties['onPremisesExtensionAttributes'],
      onPremisesExtensionAttributes,
    )
  if (typeof mail === 'string') kept['proxyAddresses'] = addressesWith(mail, user)
  return kept
}

const merged = (before: Json | undefined, after: JsonObject): JsonObject => ({
  ...(isJsonObject(before) ? before : {}),
  ...after,
})

/** `SMTP:` marks the primary address; a new `mail` takes its place. */
function addressesWith(mail: string, user: DirectoryObject | undefined): Json[] {
  const before = user?.properties['proxyAddresses']
  const others = isJsonArray(before)
    ? before.filter((address) => !textFrom(address).startsWith('SMTP:'))
    : []
  return [`SMTP:${mail}`, ...others]
}
