/**
 * Shapes that Entra ID sends and RFC 7644 does not know, rewritten to the shapes it does (and only here; the
 * numbers are those that administrators see). Each function says what was recorded. Pure; whoever calls one passes
 * the set in which the quirks applied to a request are collected.
 */
import { isJsonArray, isJsonObject, type Json, type JsonObject } from '../kernel/json.ts'
import type { QuirkNumber } from './quirk-table.ts'
import { readMember } from './resolve.ts'
import type { CompareValue, Filter } from './tree.ts'
import { ENTERPRISE_USER_URN } from './urns.ts'

export { QUIRKS, type QuirkNumber } from './quirk-table.ts'

/** The quirks that were applied to one request. */
export type AppliedQuirks = Set<QuirkNumber>

/** Q1: `"op": "Replace"`, capitalised unless the tenant URL carries the flag aadOptscim062020. */
export function foldOperator(op: string, applied: AppliedQuirks): string {
  const folded = op.toLowerCase()
  if (folded !== op) applied.add(1)
  return folded
}

/** Q2: `"active": "False"` and `"primary": "True"`, in POST and PATCH. Other values are given back unchanged. */
export function coerceBoolean(value: Json, applied: AppliedQuirks): Json {
  if (typeof value !== 'string' || !/^(?:true|false)$/i.test(value)) return value
  applied.add(2)
  return value.toLowerCase() === 'true'
}

/**
 * Q4, Q14: `emails[type eq "work"].value` and `roles[primary eq "True"].display` of users that have no such
 * element. The element that the filter describes, when the filter is one or more `eq` joined by `and`.
 */
export function elementOf(filter: Filter): JsonObject | undefined {
  const terms = eqTerms(filter)
  return terms && Object.fromEntries(terms)
}

function eqTerms(filter: Filter): [string, CompareValue][] | undefined {
  if (filter.kind === 'and') {
    const left = eqTerms(filter.left)
    const right = eqTerms(filter.right)
    return left && right && [...left, ...right]
  }
  const plain = filter.kind === 'compare' && filter.operator === 'eq' && filter.value !== null
  return plain ? [[filter.path.sub ?? filter.path.attribute, filter.value]] : undefined
}

/** Q6: `{"op":"replace","value":{"name.givenName":"Ann"}}`: counts a member name that is a path, not an attribute. */
export function notePathAsName(name: string, applied: AppliedQuirks): void {
  if (/[.[]|^urn:.*:(?!User$|Group$)/i.test(name)) applied.add(6)
}

/** Q8: `{"op":"Remove","path":"members","value":[{"$ref":null,"value":"<id>"}]}`, which removes only those. */
export const noteMemberRemoval = (applied: AppliedQuirks): void => {
  applied.add(8)
}

/** Q9, Q10: counts members that are no array of objects, and those with `"$ref": null` or a display name. */
export function noteMemberShape(value: Json, member: Json, applied: AppliedQuirks): void {
  if (!isJsonArray(value) || !isJsonObject(member)) applied.add(9)
  if (!isJsonObject(member)) return
  const ignored = ['display', 'displayName'].some((name) => readMember(member, name) !== undefined)
  if (ignored || readMember(member, '$ref') === null) applied.add(10)
}

/**
 * Q11: `"manager": "<id>"`, `{"value":"<id>"}`, `[{"$ref":"…","value":"<id>"}]`, and `""` or `{"value":""}` to
 * clear. Gives `{"value": …}` for an id in any of them; a client that read more would send it again for ever.
 */
export function managerReference(value: Json, applied: AppliedQuirks): Json {
  const [only] = isJsonArray(value) && value.length === 1 ? value : [value]
  if (only === undefined || only === null) return value
  if (typeof only === 'string') {
    applied.add(11)
    return { value: only }
  }
  const id = isJsonObject(only) ? readMember(only, 'value') : undefined
  if (id === undefined) return only
  if (only !== value || id === '') applied.add(11)
  return { value: id }
}

/**
 * Q13: a role whose value is JSON text, `{"value":"{\"id\":\"…\",\"value\":\"Admin\",\"displayName\":\"Admin\"}"}`, in
 * PATCH; and `displayName` for `display`, in POST.
 */
export function roleElement(value: Json, applied: AppliedQuirks): Json {
  const role = typeof value === 'string' && value !== '' ? { value } : value
  if (!isJsonObject(role)) return role
  const sent = withDisplay(role, applied)
  const text = readMember(sent, 'value')
  const inner = typeof text === 'string' && text.startsWith('{') ? parseObject(text) : undefined
  const id = inner && readMember(inner, 'value')
  if (inner === undefined || typeof id !== 'string') return sent
  applied.add(13)
  const display = readMember(withDisplay(inner, applied), 'display')
  const others = Object.entries(sent).filter(([name]) => name.toLowerCase() !== 'value')
  return Object.fromEntries([
    ...(display === undefined ? [] : [['display', display] as const]),
    ...others,
    ['value', id],
  ])
}

function withDisplay(role: JsonObject, applied: AppliedQuirks): JsonObject {
  const display = readMember(role, 'displayName')
  if (display === undefined) return role
  applied.add(13)
  const others = Object.entries(role).filter(([name]) => name.toLowerCase() !== 'displayname')
  return Object.fromEntries([['display', display], ...others])
}

function parseObject(text: string): JsonObject | undefined {
  try {
    const parsed: unknown = JSON.parse(text)
    return isJsonObject(parsed) ? parsed : undefined
  } catch {
    return undefined
  }
}

const MISSPELT_URN = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0User'

/** Q23: `urn:…:enterprise:2.0User`, the enterprise URN as a sample of Microsoft's documentation misspells it. */
export function repairUrn(text: string, applied: AppliedQuirks): string {
  const rest = text.slice(MISSPELT_URN.length)
  if (!text.toLowerCase().startsWith(MISSPELT_URN.toLowerCase()) || !/^(?:$|[:.])/.test(rest))
    return text
  applied.add(23)
  return ENTERPRISE_USER_URN + rest
}

/** Q24, Q25: counts a path under a URN that we do not know, and one with a dot where the colon belongs. */
export function noteExtensionPath(path: string, opaque: boolean, applied: AppliedQuirks): void {
  if (opaque) applied.add(24)
  if (/^urn:.*:\d+\.\d+:(?:User|Group)\./i.test(path)) applied.add(25)
}

/** Q27: `{"op":"replace","path":"title","value":""}` to clear. Null means the same, by RFC 7643 section 2.5. */
export function isBlank(value: Json, applied: AppliedQuirks): boolean {
  if (value === '') applied.add(27)
  return value === '' || value === null
}

/**
 * Q28: Entra tells e-mail addresses, telephone numbers and addresses apart by `type` alone and misreads a user with
 * two of one type. So an element that is added takes the place of the one with its type; documents that a client
 * sends whole (POST, PUT, replace) keep what they hold.
 */
export const isUniqueByType = (attribute: string): boolean =>
  ['emails', 'phoneNumbers', 'addresses'].includes(attribute)

/** Q37: `{"op":"replace","path":"emails","value":"ann@example.com"}`: the address that is meant, if one is. */
export function emailText(
  attribute: string,
  value: Json,
  applied: AppliedQuirks,
): string | undefined {
  if (attribute !== 'emails' || typeof value !== 'string' || value === '') return undefined
  applied.add(37)
  return value
}

/** Q40: `"value": [{"$ref": null, "value": "x"}]` and `["x"]` for an attribute that has a single value. */
export function unwrapSingle(value: Json, isComplex: boolean, applied: AppliedQuirks): Json {
  const [only, ...more] = isJsonArray(value) ? value : []
  if (only === undefined || more.length > 0) return value
  applied.add(40)
  return !isComplex && isJsonObject(only) ? (readMember(only, 'value') ?? only) : only
}
