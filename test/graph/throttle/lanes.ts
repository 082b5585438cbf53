import type { Caller } from '../access.ts'

/** What a limit is about: one app in one tenant, a tenant, an app. Graph's names for it. */
export type Scope = 'Tenant_Application' | 'Tenant' | 'Application'

export const SCOPES: readonly Scope[] = ['Tenant_Application', 'Tenant', 'Application']

/** The name of the caller's lane of a scope, such as `Tenant_Application/<app>/<tenant>`. */
export function laneOf(scope: Scope, { app, tenant }: Caller): string {
  const names: Record<Scope, string> = {
    Tenant_Application: `${app.clientId}/${tenant.settings.id}`,
    Tenant: tenant.settings.id,
    Application: app.clientId,
  }
  return `${scope}/${names[scope]}`
}

/** The scope that `x-ms-throttle-scope` names; the narrowest when nothing is said. */
export function scopeIn(headers: Readonly<Record<string, string>>): Scope {
  const [told] = headers['x-ms-throttle-scope']?.split('/') ?? []
  return SCOPES.find((scope) => scope === told) ?? 'Tenant_Application'
}
