/**
 * Versions as weak entity tags (RFC 7644 section 3.14, RFC 9110 section 13.1).
 * SCIM versions are weak by nature (attributes=, computed values), so both headers compare weakly:
 * the strong comparison that RFC 9110 wants of If-Match would never succeed.
 *
 * A user's `groups` follow from memberships, which are written with the group: to raise the version of each member too
 * would cost a row a member. So the tag of a user in groups is its version and a fingerprint of the groups that are read
 * with it anyway, `W/"7-1kq3…"`. A GET with If-None-Match then shows a changed membership, and nothing is written for it.
 * A change with If-Match is about the version alone: it cannot overwrite memberships, so they do not stand in its way.
 */

/** The ETag, and `meta.version`, of a resource's version number: `W/"7"`; with what is shown beside the row: `W/"7-1kq3"`. */
export const etag = (version: number, beside: string = ''): string =>
  beside === '' ? `W/"${version}"` : `W/"${version}-${beside}"`

/** A short text that differs when the texts do, whatever their order; empty for none. No secret: 53 bits, cheap. */
export function fingerprint(texts: readonly string[]): string {
  if (texts.length === 0) return ''
  let high = 0xdeadbeef
  let low = 0x41c6ce57
  for (const text of texts.toSorted())
    for (let at = 0; at <= text.length; at++) {
      // The end of a text counts as a character that no text has.
      const code = at === text.length ? 0x10000 : text.charCodeAt(at)
      high = Math.imul(high ^ code, 2654435761)
      low = Math.imul(low ^ code, 1597334677)
    }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909)
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909)
  return (4294967296 * (2097151 & low) + (high >>> 0)).toString(36)
}

/**
 * True when a change may go on under this `If-Match`: no header, `*`, or a list that holds the version.
 * False means 412 and the fault `versionMismatch`. A header that cannot be read matches nothing.
 */
export function ifMatch(header: string | null | undefined, version: number): boolean {
  if (header === null || header === undefined) return true
  return names(header, (opaque) => opaque.split('-', 1)[0] === String(version))
}

/**
 * True when a request may go on under this `If-None-Match`: no header, or a list without the tag that `etag` gave.
 * False means 304 for a GET and 412 for anything else; `*` is false for every resource that exists.
 */
export function ifNoneMatch(header: string | null | undefined, tag: string): boolean {
  if (header === null || header === undefined) return true
  return !names(header, (opaque) => `W/"${opaque}"` === tag)
}

const ENTITY_TAG = /(?:W\/)?"([^"]*)"/gi

function names(header: string, isWanted: (opaque: string) => boolean): boolean {
  if (header.trim() === '*') return true
  return [...header.matchAll(ENTITY_TAG)].some(([, opaque = '']) => isWanted(opaque))
}
