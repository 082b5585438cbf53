/**
 * Attribute names as clients write them: `name.givenName`, `urn:…:User:department` (RFC 7644 section 3.10).
 * Pure text; whether the schemas know the attribute is decided in `resolve.ts`.
 */
import { err, ok, type Result } from '../kernel/result.ts'
import type { AttributePath } from './tree.ts'
import { ENTERPRISE_USER_URN, GROUP_URN, USER_URN } from './urns.ts'

/** Longest first: a URN may begin with another one. */
const KNOWN_URNS = [ENTERPRISE_USER_URN, USER_URN, GROUP_URN]
  .map((urn) => urn.toLowerCase())
  .toSorted((a, b) => b.length - a.length)

/** An unknown extension URN that ends as RFC 7643 section 10.3 has it: a version, then the resource type. */
const CONVENTIONAL_URN = /^urn:.+:\d+(?:\.\d+)*:(?:User|Group)(?=[:.]|$)/i

const ATTRIBUTE_NAME = /^\$?[A-Za-z][\w-]*$/

/**
 * Splits an attribute name into schema URN, attribute and sub-attribute, spelled as sent.
 *
 * The schema ends where the longest known URN ends, else where an unknown one ends by convention (`:2.0:User`),
 * else at the last colon (Q6, Q24); a dot may stand for the colon after it (Q25). A URN alone names its whole
 * schema: `attribute` is then the empty text. The error is a reason, for the caller to put into its own fault.
 */
export function parseAttributePath(text: string): Result<AttributePath, string> {
  const length = schemaLength(text)
  const schema = length === 0 ? {} : { schema: text.slice(0, length) }
  if (length > 0 && length === text.length) return ok({ ...schema, attribute: '' })
  const [attribute = '', sub, ...more] = text.slice(length === 0 ? 0 : length + 1).split('.')
  if (more.length > 0) return err('an attribute path has at most one dot, before the sub-attribute')
  if (![attribute, sub ?? attribute].every((name) => ATTRIBUTE_NAME.test(name)))
    return err('an attribute name is a letter followed by letters, digits, - or _')
  return ok(sub === undefined ? { ...schema, attribute } : { ...schema, attribute, sub })
}

/** The attribute path as text, URN first; the inverse of `parseAttributePath`. */
export function printAttributePath(path: AttributePath): string {
  const name = path.sub === undefined ? path.attribute : `${path.attribute}.${path.sub}`
  if (path.schema === undefined) return name
  return name === '' ? path.schema : `${path.schema}:${name}`
}

/** How many characters of `text` are a schema URN; 0 when the name is bare. */
function schemaLength(text: string): number {
  const lastColon = text.lastIndexOf(':')
  if (lastColon === -1) return 0
  const folded = text.toLowerCase()
  const known = KNOWN_URNS.find(
    (urn) => folded.startsWith(urn) && [undefined, ':', '.'].includes(text[urn.length]),
  )
  return known?.length ?? CONVENTIONAL_URN.exec(text)?.[0].length ?? lastColon
}
