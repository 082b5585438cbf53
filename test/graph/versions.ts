import type { Change, DirectoryObject } from './changes.ts'
import type { Kind } from './schema.ts'

interface Version {
  readonly sequence: number
  /** Undefined once it is purged. */
  readonly object: DirectoryObject | undefined
}

/** What each object was after the entries of the log that put or purged it: the past that delta queries and replicas show. */
export class Versions {
  readonly #of = new Map<string, Version[]>()

  keep(sequence: number, change: Change): void {
    if (change.type === 'link') return
    const id = change.type === 'put' ? change.object.id : change.id
    const version = { sequence, object: change.type === 'put' ? change.object : undefined }
    const versions = this.#of.get(id)
    if (versions) versions.push(version)
    else this.#of.set(id, [version])
  }

  /** What the object was after an entry; undefined when it was not there. */
  at(id: string, sequence: number): DirectoryObject | undefined {
    return this.#of.get(id)?.findLast((version) => version.sequence <= sequence)?.object
  }

  /** What the object was after its first change behind one entry and up to another. */
  firstIn(
    id: string,
    { from, to }: { readonly from: number; readonly to: number },
  ): DirectoryObject | undefined {
    const version = this.#of.get(id)?.find(({ sequence }) => sequence > from)
    return version && version.sequence <= to ? version.object : undefined
  }

  /** The kind of an id, even of a purged object; undefined when there never was one. */
  kindOf(id: string): Kind | undefined {
    return this.#of.get(id)?.find(({ object }) => object !== undefined)?.object?.kind
  }

  /** Every id of a kind that there ever was, in order of creation. */
  ids(kind: Kind): string[] {
    return [...this.#of.keys()].filter((id) => this.kindOf(id) === kind)
  }
}
