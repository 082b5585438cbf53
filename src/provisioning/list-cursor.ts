/**
 * Cursors of lists (RFC 9865): a place in an order, sealed. Nothing of a walk is kept here, so a cursor costs nothing and
 * outlives any number of others. It opens for the same organization, list, filter and order only, and shows
 * its holder nothing: the place tells a value of the attribute that the list is sorted by.
 */
import * as v from 'valibot'

import type { CursorWindow } from '../db/search-list.ts'
import type { Place } from '../db/sort.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import type { ScimFault } from '../scim/fault.ts'
import type { SearchRequest } from '../scim/messages.ts'
import type { Scope } from './scope.ts'

/** A cursor is good for the next page for so long; every page has new ones. */
export const CURSOR_TIMEOUT_SECONDS = 3600

const payload = v.tuple([
  /** When it was made, in milliseconds. */
  v.number(),
  /** The `count` of the walk, as bounded. */
  v.number(),
  /** How many resources satisfied the filter on the first page; null without a filter. */
  v.nullable(v.number()),
  v.picklist(['next', 'previous']),
  v.nullable(v.union([v.string(), v.number()])),
  v.string(),
])

/** Which list a cursor is of. */
function contextOf(list: string, { filter, sortBy, sortOrder }: SearchRequest): string {
  return `list/${list}/${JSON.stringify([filter ?? null, sortBy ?? null, sortOrder ?? null])}`
}

/**
 * The window of the page that a request with a cursor asks for; the empty cursor asks for the first page. Faults:
 * invalidCursor, expiredCursor, and invalidCount when `count` is another than on the first page (RFC 9865 section 2.1).
 */
export async function openWindow(
  { cursors, now }: Scope,
  list: string,
  request: SearchRequest,
  take: number,
): Promise<Result<CursorWindow, ScimFault>> {
  if (request.cursor === undefined || request.cursor === '') return ok({ take, isBackward: false })
  const opened = await cursors.open(request.cursor, contextOf(list, request))
  const read = v.safeParse(payload, opened.ok ? parse(opened.value) : undefined)
  if (!read.success) return err({ kind: 'invalidCursor' })
  const [madeAt, count, total, direction, key, id] = read.output
  if (now - madeAt > CURSOR_TIMEOUT_SECONDS * 1000)
    return err({ kind: 'expiredCursor', timeoutSeconds: CURSOR_TIMEOUT_SECONDS })
  if (count !== take) {
    const reason = `the first page of this list was asked for with a count of ${count}`
    return err({ kind: 'invalidCount', reason })
  }
  const window = { take, isBackward: direction === 'previous', from: { key, id } }
  return ok(total === null ? window : { ...window, total })
}

/** The members of a ListResponse that lead on from a page. */
export async function sealPlaces(
  { cursors, now }: Scope,
  list: string,
  request: SearchRequest,
  take: number,
  page: { readonly total: number; readonly previous?: Place; readonly next?: Place },
): Promise<{ previousCursor?: string; nextCursor?: string }> {
  const total = request.filter === undefined ? null : page.total
  const seal = async (direction: 'next' | 'previous', { key, id }: Place) => {
    const made: v.InferInput<typeof payload> = [now, take, total, direction, key, id]
    return cursors.seal(JSON.stringify(made), contextOf(list, request))
  }
  return {
    ...(page.previous && { previousCursor: await seal('previous', page.previous) }),
    ...(page.next && { nextCursor: await seal('next', page.next) }),
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
