import { jsonEquals } from '../../../src/kernel/json.ts'
import { type DirectoryObject, type LogEntry, type Relation, isDeleted } from '../changes.ts'
import type { Kind } from '../schema.ts'
import type { Tenant } from '../tenant.ts'

/** What is tracked: objects of a kind, some of their properties and relations, between two entries of the log. */
export interface Window {
  readonly kind: Kind
  readonly names: readonly string[]
  readonly relations: readonly Relation[]
  /** After this entry; 0 for everything there is. */
  readonly from: number
  /** Up to this entry. */
  readonly to: number
}

/** Targets by whether the link is there at the end. */
type Links = ReadonlyMap<Relation, ReadonlyMap<string, boolean>>

/** What became of one object. */
export interface ObjectChange {
  readonly id: string
  /** `new` is whatever was not there before: created, or restored. */
  readonly fate: 'new' | 'changed' | 'deleted' | 'purged'
  /** The object at the end of the window; undefined when it is purged. */
  readonly object: DirectoryObject | undefined
  /** The tracked properties that changed. */
  readonly changed: readonly string[]
  readonly links: Links
}

const KIND_OF_RELATION: Record<Relation, Kind> = {
  manager: 'user',
  members: 'group',
  owners: 'group',
}
const NO_LINKS: Links = new Map()

/** What became of each tracked object that the window touches, in the order in which it was touched first. */
export function changesIn(tenant: Tenant, window: Window): ObjectChange[] {
  const entries = tenant.log.slice(window.from, window.to)
  const touched = touchedIn(tenant, entries, window)
  return [...touched].flatMap(([id, links]) => {
    const change = changeOf(tenant, window, id, links)
    return change ? [change] : []
  })
}

/** Every link that is there after an entry of the log. */
export function linksAt(tenant: Tenant, { kind, relations, to }: Window): Map<string, Links> {
  const folded = touchedIn(tenant, tenant.log.slice(0, to), { kind, relations })
  return new Map([...folded].map(([id, links]) => [id, present(links)]))
}

const present = (links: Links): Links =>
  new Map(
    [...links].map(([relation, targets]) => [
      relation,
      new Map([...targets].filter(([, isThere]) => isThere)),
    ]),
  )

type Touched = Map<string, Map<Relation, Map<string, boolean>>>

function touchedIn(
  tenant: Tenant,
  entries: readonly LogEntry[],
  { kind, relations }: Pick<Window, 'kind' | 'relations'>,
): Touched {
  const touched: Touched = new Map()
  const touch = (id: string): Map<Relation, Map<string, boolean>> => {
    const links = touched.get(id) ?? new Map()
    touched.set(id, links)
    return links
  }
  for (const change of entries.flatMap((entry) => entry.changes))
    if (change.type === 'link') {
      if (KIND_OF_RELATION[change.relation] !== kind || !relations.includes(change.relation))
        continue
      const links = touch(change.from)
      const targets = links.get(change.relation) ?? new Map<string, boolean>()
      for (const id of change.removed) targets.set(id, false)
      for (const id of change.added) targets.set(id, true)
      links.set(change.relation, targets)
    } else {
      const id = change.type === 'put' ? change.object.id : change.id
      if (tenant.versions.kindOf(id) === kind) touch(id)
    }
  return touched
}

function changeOf(
  tenant: Tenant,
  { names, from, to }: Window,
  id: string,
  links: Links,
): ObjectChange | undefined {
  const before = tenant.versions.at(id, from)
  const object = tenant.versions.at(id, to)
  const rest = { id, object, changed: [], links: NO_LINKS }
  if (!object) return { ...rest, fate: 'purged' }
  if (isDeleted(object))
    return before && isDeleted(before) ? undefined : { ...rest, fate: 'deleted' }
  if (!before || isDeleted(before)) return { ...rest, fate: 'new', changed: names, links }
  const changed = names.filter(
    (name) => !jsonEquals(before.properties[name] ?? null, object.properties[name] ?? null),
  )
  const isTouched = changed.length > 0 || [...links.values()].some((targets) => targets.size > 0)
  return isTouched ? { id, object, fate: 'changed', changed, links } : undefined
}
