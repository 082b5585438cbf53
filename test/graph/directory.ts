import { isJsonArray } from '../../src/kernel/json.ts'
import {
  type Change,
  type DirectoryObject,
  type LogEntry,
  type Relation,
  isDeleted,
  textOf,
} from './changes.ts'
import type { Kind } from './schema.ts'
import type { DomainSettings, TenantSettings } from './settings.ts'
import { textFrom } from './text.ts'

const NONE: ReadonlySet<string> = new Set()
/** Objects and the links between them, with their indexes: the fold of a log, as far as it was followed. */
export class Directory {
  readonly settings: TenantSettings
  readonly #objects: Record<Kind, Map<string, DirectoryObject>> = {
    user: new Map(),
    group: new Map(),
  }
  /** Numbers in order of creation; a purged object keeps its own, for page tokens that name it. */
  readonly #ordinals = new Map<string, number>()
  readonly #links: Record<Relation, Map<string, Set<string>>> = {
    manager: new Map(),
    members: new Map(),
    owners: new Map(),
  }
  /** Unique values: property and folded value to the id that holds it. */
  readonly #holders = new Map<string, string>()
  readonly #live: Record<Kind, number> = { user: 0, group: 0 }
  /** When the objects in the recycle bin came there, oldest first. */
  readonly #deleted = new Map<string, number>()

  constructor(settings: TenantSettings) {
    this.settings = settings
  }

  /** Every object of a kind, in order of creation, deleted ones too. */
  *all(kind: Kind): Generator<DirectoryObject> {
    yield* this.#objects[kind].values()
  }

  /** The objects of a kind that are not in the recycle bin. */
  *live(kind: Kind): Generator<DirectoryObject> {
    for (const object of this.all(kind)) if (!isDeleted(object)) yield object
  }

  *deleted(kind: Kind): Generator<DirectoryObject> {
    for (const object of this.all(kind)) if (isDeleted(object)) yield object
  }

  /** How many objects of a kind are not in the recycle bin. */
  countLive(kind: Kind): number {
    return this.#live[kind]
  }

  /** How many objects are in the recycle bin. */
  countDeleted(): number {
    return this.#deleted.size
  }

  /** The object of an id, deleted or not. */
  byId(id: string): DirectoryObject | undefined {
    const key = id.toLowerCase()
    return this.#objects.user.get(key) ?? this.#objects.group.get(key)
  }

  liveById(id: string, kind?: Kind): DirectoryObject | undefined {
    const object = this.byId(id)
    if (!object || isDeleted(object)) return undefined
    return kind === undefined || object.kind === kind ? object : undefined
  }

  /** The object's place in the order of creation. */
  ordinalOf(id: string): number {
    return this.#ordinals.get(id) ?? -1
  }

  /** Who holds a unique value. */
  holderOf(property: string, value: string): DirectoryObject | undefined {
    const id = this.#holders.get(claim(property, value))
    return id === undefined ? undefined : this.byId(id)
  }

  /** What an object points to, the deleted included. */
  linked(relation: Relation, from: string): ReadonlySet<string> {
    return this.#links[relation].get(from) ?? NONE
  }

  domain(name: string): DomainSettings | undefined {
    const folded = name.toLowerCase()
    return this.settings.domains.find((domain) => domain.name.toLowerCase() === folded)
  }

  /** The ids that came into the recycle bin before a time. */
  deletedBefore(time: number): string[] {
    const ids: string[] = []
    for (const [id, deletedAt] of this.#deleted) {
      if (deletedAt >= time) break
      ids.push(id)
    }
    return ids
  }

  /** Takes over what an entry of the log says. */
  follow(entry: LogEntry): void {
    for (const change of entry.changes) this.#apply(change)
  }

  #apply(change: Change): void {
    switch (change.type) {
      case 'put':
        return this.#put(change.object)
      case 'purge':
        return this.#purge(change.id)
      case 'link':
        return this.#link(change)
    }
  }

  #put(object: DirectoryObject): void {
    this.#forget(object.id)
    this.#objects[object.kind].set(object.id, object)
    if (!this.#ordinals.has(object.id)) this.#ordinals.set(object.id, this.#ordinals.size)
    for (const held of claimsOf(object)) this.#holders.set(held, object.id)
    const deletedAt = textOf(object, 'deletedDateTime')
    if (deletedAt === undefined) this.#live[object.kind] += 1
    else this.#deleted.set(object.id, Date.parse(deletedAt))
  }

  #purge(id: string): void {
    this.#forget(id)
    for (const objects of Object.values(this.#objects)) objects.delete(id)
    for (const targets of Object.values(this.#links)) {
      targets.delete(id)
      for (const set of targets.values()) set.delete(id)
    }
  }

  /** Drops what the indexes know of an object's present state. */
  #forget(id: string): void {
    const before = this.byId(id)
    if (!before) return
    if (!isDeleted(before)) this.#live[before.kind] -= 1
    this.#deleted.delete(id)
    for (const held of claimsOf(before)) this.#holders.delete(held)
  }

  #link(change: Extract<Change, { type: 'link' }>): void {
    const targets = this.#links[change.relation].get(change.from) ?? new Set()
    for (const id of change.removed) targets.delete(id)
    for (const id of change.added) targets.add(id)
    this.#links[change.relation].set(change.from, targets)
  }
}

const claim = (property: string, value: string): string => `${property}:${value.toLowerCase()}`

/** The values that no second object may have. Deleted objects keep theirs, but give their addresses free. */
function claimsOf(object: DirectoryObject): string[] {
  const claims = ['userPrincipalName', 'onPremisesImmutableId', 'uniqueName'].flatMap((name) => {
    const value = textOf(object, name)
    return value === undefined ? [] : [claim(name, value)]
  })
  const addresses = object.properties['proxyAddresses']
  if (isDeleted(object) || !isJsonArray(addresses)) return claims
  return [...claims, ...addresses.map((address) => claim('proxyAddresses', textFrom(address)))]
}
