/**
 * Versions as weak entity tags (RFC 7644 section 3.14, RFC 9110 section 13.1).
 * SCIM versions are weak by nature (attributes=, computed values), so both headers compare weakly:
 * the strong comparison that RFC 9110 wants of If-Match would never succeed.
 */

/** The ETag, and `meta.version`, of a resource's version number: `W/"7"`. */
export const etag = (version: number): string => `W/"${version}"`

/**
 * True when a change may go on under this `If-Match`: no header, `*`, or a list that holds the version.
 * False means 412 and the fault `versionMismatch`. A header that cannot be read matches nothing.
 */
export function ifMatch(header: string | null | undefined, version: number): boolean {
  return header === null || header === undefined || names(header, version)
}

/**
 * True when a request may go on under this `If-None-Match`: no header, or a list without the version.
 * False means 304 for a GET and 412 for anything else; `*` is false for every resource that exists.
 */
export function ifNoneMatch(header: string | null | undefined, version: number): boolean {
  return header === null || header === undefined || !names(header, version)
}

const ENTITY_TAG = /(?:W\/)?"([^"]*)"/gi

function names(header: string, version: number): boolean {
  if (header.trim() === '*') return true
  const wanted = String(version)
  return [...header.matchAll(ENTITY_TAG)].some(([, opaque]) => opaque === wanted)
}
