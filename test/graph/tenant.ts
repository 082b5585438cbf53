import type { Change, LogEntry } from './changes.ts'
import { Directory } from './directory.ts'
import type { AppSettings, TenantSettings } from './settings.ts'
import { Versions } from './versions.ts'

const DAY = 86_400_000
/** How long the recycle bin keeps an object. */
const KEPT_DELETED = 30 * DAY

/** One tenant: its directory as it is now, and the log that it is the fold of. */
export class Tenant extends Directory {
  readonly log: LogEntry[] = []
  readonly versions = new Versions()
  readonly #apps: Map<string, AppSettings>
  readonly #now: () => number
  readonly #persist: (entry: LogEntry) => void

  constructor(
    settings: TenantSettings,
    now: () => number,
    persist: (entry: LogEntry) => void,
    history: readonly LogEntry[] = [],
  ) {
    super(settings)
    this.#apps = new Map(settings.apps.map((app) => [app.clientId, app]))
    this.#now = now
    this.#persist = persist
    for (const entry of history) this.#take(entry)
  }

  /** The application of a client id, as long as the tenant consents to it. */
  app(clientId: string): AppSettings | undefined {
    return this.#apps.get(clientId.toLowerCase())
  }

  /** Changes what the administrator consented to; null takes the consent back. Not persisted, as all settings. */
  changeApp(clientId: string, change: Partial<AppSettings> | null): void {
    const key = clientId.toLowerCase()
    if (change === null) this.#apps.delete(key)
    else {
      const before = this.#apps.get(key) ?? { clientId: key, secrets: [], roles: [] }
      this.#apps.set(key, { ...before, ...change, clientId: key })
    }
  }

  /** The tenant consents again to the applications that it began with, as it did then. */
  restoreConsent(): void {
    for (const app of this.settings.apps) this.#apps.set(app.clientId, app)
  }

  /** Logs the changes, hands them to persistence, and only then shows them: what was answered is on record. */
  commit(changes: readonly Change[]): LogEntry {
    const entry = { sequence: this.log.length + 1, at: this.#now(), changes }
    this.#persist(entry)
    this.#take(entry)
    return entry
  }

  /** Removes for good what has been in the recycle bin for 30 days. */
  purgeExpired(): void {
    const expired = this.deletedBefore(this.#now() - KEPT_DELETED)
    if (expired.length > 0) this.commit(expired.map((id) => ({ type: 'purge', id })))
  }

  #take(entry: LogEntry): void {
    this.log.push(entry)
    this.follow(entry)
    for (const change of entry.changes) this.versions.keep(entry.sequence, change)
  }
}
