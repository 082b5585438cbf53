import type { DirectoryObject } from '../changes.ts'
import { queryErrors } from '../errors.ts'
import { type Kind, propertyOf } from '../schema.ts'
import { readPath } from './project.ts'

/** What a list is sorted by. */
export interface Order {
  readonly property: string
  readonly isDescending: boolean
}

/** Where an object stands in a list: by the value that it is sorted by, and by the order of creation. */
export interface Place {
  readonly key: string
  readonly ordinal: number
}

/** Parses an `$orderby`: one property, of the few that can be sorted by. */
export function parseOrder(kind: Kind, text: string): Order {
  const [, property = '', direction = 'asc'] =
    /^\s*([A-Za-z]+)(?:\s+(asc|desc))?\s*$/i.exec(text) ?? []
  if (!propertyOf(kind, property)?.orderby) throw queryErrors.unsortable()
  return { property, isDescending: direction.toLowerCase() === 'desc' }
}

/** The value that an object is sorted by; without an order all are alike. */
export function sortKey(object: DirectoryObject, order: Order | undefined): string {
  const value = order ? readPath(object, order.property) : ''
  return typeof value === 'string' ? value.toLowerCase() : ''
}

/** The order of two places: below 0 when the first comes first. */
export function comparePlaces(a: Place, b: Place, order: Order | undefined): number {
  const byKey = a.key === b.key ? 0 : a.key.localeCompare(b.key, 'en')
  return (order?.isDescending ? -byKey : byKey) || a.ordinal - b.ordinal
}
