import type { Hono } from 'hono'
import {
  type MembersChange,
  type SeedPlan,
  type TenantSummary,
  type UserChange,
  changeGroup,
  changeUser,
  seed,
  summary,
} from './control.ts'
import type { Counters } from './counters.ts'
import type { Delta } from './delta/settings.ts'
import type { Faults } from './faults.ts'
import { graphApp } from './http.ts'
import type { Journal } from './journal.ts'
import type { Lag } from './lag/lag.ts'
import { makeWorld } from './make-world.ts'
import type { EmulatorOptions } from './options.ts'
import type { AppSettings } from './settings.ts'
import type { Tenant } from './tenant.ts'
import type { Throttle } from './throttle/throttle.ts'
import { findTenant } from './world.ts'

export { DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, DEMO_TENANT_ID, demoTenant } from './demo.ts'
export { HangUp } from './http.ts'
export type { EmulatorOptions } from './options.ts'

/** A Microsoft Graph of one's own. */
export interface GraphEmulator {
  readonly app: Hono
  /** Answers a request in this process; rejects with `HangUp` where a connection would drop. */
  readonly fetch: (request: Request) => Promise<Response>
  readonly faults: Faults
  readonly throttle: Throttle
  readonly delta: Delta
  readonly lag: Lag
  readonly counters: Counters
  readonly journal: Journal
  /** A tenant by id or domain; without a name the first. */
  readonly tenant: (name?: string) => Tenant
  readonly summary: (tenant?: string) => TenantSummary
  readonly seed: (plan: SeedPlan, tenant?: string) => { users: string[]; groups: string[] }
  readonly changeUser: (id: string, change: UserChange, tenant?: string) => void
  readonly changeGroup: (id: string, change: MembersChange, tenant?: string) => void
  /** Changes an application's secrets, certificates, permissions; null takes the tenant's consent back. */
  readonly changeApp: (
    clientId: string,
    change: Partial<AppSettings> | null,
    tenant?: string,
  ) => void
  /** The consent is as it was in the beginning. */
  readonly restoreConsent: (tenant?: string) => void
  /** Lets so many seconds pass, beside the clock that was passed in. */
  readonly advance: (seconds: number) => void
  /** Every token issued so far is refused from now on. */
  readonly revokeTokens: () => void
}

/** Makes an emulator. Nothing in it depends on Node: it runs in workerd as well. */
export function createGraphEmulator(options: EmulatorOptions = {}): GraphEmulator {
  const world = makeWorld(options)
  const app = graphApp(world)
  const tenant = (name?: string): Tenant => {
    const found = name === undefined ? [...world.tenants.values()][0] : findTenant(world, name)
    if (!found) throw new RangeError(`there is no tenant ${name ?? ''}`)
    return found
  }
  return {
    app,
    fetch: async (request) => app.fetch(request),
    faults: world.faults,
    throttle: world.throttle,
    delta: world.delta,
    lag: world.lag,
    counters: world.counters,
    journal: world.journal,
    tenant,
    summary: (name) => summary(tenant(name)),
    seed: (plan, name) => seed(world, tenant(name), plan),
    changeUser: (id, change, name) => must(changeUser(tenant(name), id, change), id),
    changeGroup: (id, change, name) => must(changeGroup(tenant(name), id, change), id),
    changeApp: (clientId, change, name) => tenant(name).changeApp(clientId, change),
    restoreConsent: (name) => tenant(name).restoreConsent(),
    advance: (seconds) => world.advance(seconds * 1000),
    revokeTokens: () => {
      world.tokenGeneration += 1
    },
  }
}

function must(found: unknown, id: string): void {
  if (!found) throw new RangeError(`there is no object ${id}`)
}
