import type { JsonObject } from '../../../src/kernel/json.ts'
import { addressErrors, queryErrors } from '../errors.ts'
import { type Answer, answer } from '../exchange.ts'
import { readOptions } from '../odata/options.ts'
import { contextOf } from '../odata/page.ts'
import { permissions } from '../permissions.ts'
import { type Context, route } from '../route.ts'
import type { DomainSettings, SkuSettings, TenantSettings } from '../settings.ts'

function listDomains({ tenant, request }: Context): Answer {
  const options = readOptions(request)
  const value = tenant.settings.domains.map((domain) =>
    selected(domainBody(domain), options.select),
  )
  return answer(200, { '@odata.context': contextOf(request, 'domains', options), value })
}

function getDomain({ tenant, request, params }: Context): Answer {
  const options = readOptions(request)
  const domain = tenant.domain(params['id'] ?? '')
  if (!domain) throw addressErrors.notFound(params['id'] ?? '')
  const context = contextOf(request, 'domains', options, '/$entity')
  return answer(200, {
    '@odata.context': context,
    ...selected(domainBody(domain), options.select),
  })
}

function listOrganization({ tenant, request }: Context): Answer {
  const options = readOptions(request)
  const value = [selected(organizationBody(tenant.settings), options.select)]
  return answer(200, { '@odata.context': contextOf(request, 'organization', options), value })
}

function listSkus({ tenant, request }: Context): Answer {
  const options = readOptions(request)
  const skus = tenant.settings.skus ?? [DEFAULT_SKU]
  const value = skus.map((sku) => selected(skuBody(tenant.settings, sku), options.select))
  return answer(200, { '@odata.context': contextOf(request, 'subscribedSkus', options), value })
}

const DEFAULT_SKU: SkuSettings = {
  skuId: '05e9a617-0261-4cee-bb44-138d3ef5d965',
  skuPartNumber: 'SPE_E3',
  enabled: 1000,
}

const skuBody = (settings: TenantSettings, sku: SkuSettings): JsonObject => ({
  accountName: settings.displayName,
  accountId: settings.id,
  appliesTo: 'User',
  capabilityStatus: 'Enabled',
  consumedUnits: sku.consumed ?? 0,
  id: `${settings.id}_${sku.skuId}`,
  skuId: sku.skuId,
  skuPartNumber: sku.skuPartNumber,
  prepaidUnits: { enabled: sku.enabled, suspended: 0, warning: 0, lockedOut: 0 },
  servicePlans: [],
})

const domainBody = (domain: DomainSettings): JsonObject => ({
  authenticationType: domain.authenticationType ?? 'Managed',
  availabilityStatus: null,
  id: domain.name,
  isAdminManaged: true,
  isDefault: domain.isDefault ?? false,
  isInitial: domain.isInitial ?? false,
  isRoot: true,
  isVerified: domain.isVerified ?? true,
  supportedServices: ['Email', 'OfficeCommunicationsOnline'],
})

const organizationBody = (settings: TenantSettings): JsonObject => ({
  id: settings.id,
  displayName: settings.displayName,
  tenantType: 'AAD',
  onPremisesSyncEnabled: null,
  verifiedDomains: settings.domains
    .filter((domain) => domain.isVerified !== false)
    .map((domain) => ({
      capabilities: 'Email, OfficeCommunicationsOnline',
      isDefault: domain.isDefault ?? false,
      isInitial: domain.isInitial ?? false,
      name: domain.name,
      type: domain.authenticationType ?? 'Managed',
    })),
})

function selected(body: JsonObject, names: readonly string[] | undefined): JsonObject {
  if (!names) return body
  return Object.fromEntries(
    names.map((name) => {
      const value = body[name]
      if (value === undefined) throw queryErrors.unknownSelect(name, 'microsoft.graph.entity')
      return [name, value]
    }),
  )
}

export const organizationRoutes = [
  route('GET /domains', 'domain.list', permissions.readDomains, listDomains),
  route('GET /domains/{id}', 'domain.get', permissions.readDomains, getDomain),
  route('GET /subscribedSkus', 'sku.list', permissions.readLicences, listSkus, 3),
  route('GET /organization', 'organization.list', permissions.readOrganization, listOrganization),
]
