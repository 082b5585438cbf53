import { type JsonObject, isJsonArray } from '../../../src/kernel/json.ts'
import { holderName } from '../access.ts'
import { valueErrors } from '../errors.ts'
import type { Tenant } from '../tenant.ts'

const UNIQUE = ['userPrincipalName', 'onPremisesImmutableId', 'uniqueName'] as const

/** Throws when another object has one of these values already, the recycle bin included. */
export function checkUnique(tenant: Tenant, values: JsonObject, own?: string): void {
  for (const name of UNIQUE) checkFree(tenant, name, values[name], own)
  const addresses = values['proxyAddresses']
  if (!isJsonArray(addresses)) return
  for (const address of addresses) checkFree(tenant, 'proxyAddresses', address, own)
}

function checkFree(tenant: Tenant, name: string, value: unknown, own: string | undefined): void {
  if (typeof value !== 'string') return
  const holder = tenant.holderOf(name, value)
  if (!holder || holder.id === own) return
  // An alternate key is told by the generic message; it names neither property nor holder.
  if (name === 'uniqueName') throw valueErrors.conflicting()
  throw valueErrors.taken(name, holderName(holder))
}
