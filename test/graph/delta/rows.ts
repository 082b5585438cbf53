import type { Json, JsonObject } from '../../../src/kernel/json.ts'
import { type DirectoryObject, type Relation, isDeleted } from '../changes.ts'
import { chanceOf } from '../random.ts'
import { propertyOf } from '../schema.ts'
import type { Tenant } from '../tenant.ts'
import { type ObjectChange, type Window, changesIn, linksAt } from './changes.ts'
import type { Delta } from './settings.ts'

/** One object on a page: the whole of it, its changes alone, or that it is gone. */
export interface Row {
  readonly id: string
  readonly removed?: 'changed' | 'deleted'
  readonly object?: DirectoryObject
  /** What `Prefer: return=minimal` leaves of it. */
  readonly changed: readonly string[]
  readonly links: readonly LinkChange[]
}

interface LinkChange {
  readonly relation: Relation
  readonly target: string
  readonly isAdded: boolean
}

/** Every row of a round. The same window gives the same rows, so that a page is found again by its offset. */
export function rowsOf(tenant: Tenant, delta: Delta, window: Window): Row[] {
  const changes = changesIn(tenant, window)
  const chance = (what: string, id: string): number =>
    chanceOf(`${delta.seed}/${what}/${window.from}/${window.to}/${id}`)
  const told = changes.filter(
    (change) => window.from > 0 || isTold(change, chance, delta.settings.replays),
  )
  // Restored objects had their links before the window.
  const returned = told.some(({ fate }) => fate === 'new') && window.from > 0
  const all = returned || delta.settings.replays > 0 ? linksAt(tenant, window) : undefined
  const whole = (change: ObjectChange): ObjectChange => {
    const links = change.fate === 'new' && window.from > 0 ? all?.get(change.id) : undefined
    return links ? { ...change, links } : change
  }
  const first = told.flatMap((change) => rows(tenant, delta, window, whole(change)))
  const twice = told.filter(({ id }) => chance('duplicate', id) < delta.settings.duplicates)
  const again = twice.flatMap((change) => rows(tenant, delta, window, whole(change)))
  const early = new Map(twice.map(({ id }) => [id, tenant.versions.firstIn(id, window)]))
  const replayed = window.from > 0 ? replays({ tenant, delta, window, changes, chance, all }) : []
  return [...first.map((row) => asItWas(row, early.get(row.id))), ...replayed, ...again]
}

type Chance = (what: string, id: string) => number

/** A first round tells what is there, and by chance some of what is in the recycle bin. */
const isTold = ({ id, fate }: ObjectChange, chance: Chance, replays: number): boolean =>
  fate === 'new' || (fate === 'deleted' && chance('replay', id) < replays)

/** A change as rows; a large group takes several. */
function rows(tenant: Tenant, { settings }: Delta, { to }: Window, change: ObjectChange): Row[] {
  const { id, fate, object, changed } = change
  if (fate === 'purged' || fate === 'deleted')
    return [{ id, removed: fate === 'purged' ? 'deleted' : 'changed', changed: [], links: [] }]
  const links = [...change.links].flatMap(([relation, targets]) =>
    [...targets]
      .map(([target, isAdded]): LinkChange => ({ relation, target, isAdded }))
      // What a new object is not linked to, and who is deleted, is not worth telling.
      .filter(({ target, isAdded }) => (isAdded ? isLive(tenant, target, to) : fate !== 'new')),
  )
  const row = object === undefined ? { id } : { id, object }
  const count = Math.max(1, Math.ceil(links.length / settings.linksPerRow))
  return Array.from({ length: count }, (_, i) => ({
    ...row,
    changed,
    links: links.slice(i * settings.linksPerRow, (i + 1) * settings.linksPerRow),
  }))
}

function isLive(tenant: Tenant, id: string, at: number): boolean {
  const object = tenant.versions.at(id, at)
  return object !== undefined && !isDeleted(object)
}

/** The row of an object that comes again later: as the object was after its first change. */
const asItWas = (row: Row, early: DirectoryObject | undefined): Row =>
  row.object && early && !isDeleted(early) ? { ...row, object: early } : row

/** Objects that did not change, told whole once more. */
function replays(round: {
  tenant: Tenant
  delta: Delta
  window: Window
  changes: readonly ObjectChange[]
  chance: Chance
  all: ReturnType<typeof linksAt> | undefined
}): Row[] {
  const { tenant, delta, window, changes, chance, all } = round
  if (delta.settings.replays === 0) return []
  const changed = new Set(changes.map(({ id }) => id))
  return tenant.versions.ids(window.kind).flatMap((id) => {
    const object = tenant.versions.at(id, window.to)
    if (!object || isDeleted(object) || changed.has(id)) return []
    if (chance('replay', id) >= delta.settings.replays) return []
    const links = all?.get(id) ?? new Map()
    return rows(tenant, delta, window, { id, object, fate: 'new', changed: window.names, links })
  })
}

/** The row as JSON: properties that were never set are absent. */
export function shownRow(
  tenant: Tenant,
  row: Row,
  names: readonly string[],
  isMinimal: boolean,
): JsonObject {
  if (row.removed) return { id: row.id, '@removed': { reason: row.removed } }
  const told = isMinimal ? names.filter((name) => row.changed.includes(name)) : names
  const shown: Record<string, Json> = {}
  for (const name of told) {
    const value = row.object?.properties[name]
    if (value !== undefined && !propertyOf(row.object?.kind ?? 'user', name)?.writeOnly)
      shown[name] = value
  }
  shown['id'] = row.id
  for (const relation of new Set(row.links.map((link) => link.relation)))
    shown[`${relation}@delta`] = row.links
      .filter((link) => link.relation === relation)
      .map((link) => shownLink(tenant, link))
  return shown
}

const shownLink = (tenant: Tenant, { target, isAdded }: LinkChange): JsonObject => ({
  '@odata.type': `#microsoft.graph.${tenant.versions.kindOf(target) ?? 'user'}`,
  id: target,
  ...(isAdded ? {} : { '@removed': { reason: 'deleted' } }),
})
