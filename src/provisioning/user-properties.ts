/**
 * The directory's own properties written into a SCIM document: the reverse of plan/directory-user.ts, so that what an
 * administrator sets is read as what they set. Null takes a value away. Pure.
 */
import { isJsonObject, type Json, type JsonObject } from '../kernel/json.ts'
import type { TextProperty } from '../plan/directory-user.ts'
import { elements, member, ofType, sameText, text, typeOf } from '../plan/reading.ts'
import { withMember } from '../scim/document.ts'
import { findKey } from '../scim/resolve.ts'
import { ENTERPRISE_USER_URN } from '../scim/urns.ts'

const ENTRA_USER_URN = 'urn:ietf:params:scim:schemas:extension:Microsoft:Entra:2.0:User'

/** Where a property stands: a member of the document, of an object in it, or of the element of a type in a list. */
type Place =
  | readonly ['member', string]
  | readonly ['inner', outer: string, inner: string]
  | readonly ['element', list: string, type: string, name: string]

type Address = 'email' | 'alternateEmail'
type Name = Exclude<TextProperty, Address> | 'username' | 'externalId' | 'displayname'

const enterprise = (name: string) => ['inner', ENTERPRISE_USER_URN, name] as const
const address = (name: string) => ['element', 'addresses', 'work', name] as const
const phone = (type: string) => ['element', 'phoneNumbers', type, 'value'] as const

const PLACES: Readonly<Record<Name, Place>> = {
  username: ['member', 'userName'],
  externalId: ['member', 'externalId'],
  firstname: ['inner', 'name', 'givenName'],
  lastname: ['inner', 'name', 'familyName'],
  // What is shown of a user without first and last name.
  displayname: ['member', 'displayName'],
  jobTitle: ['member', 'title'],
  employeeType: ['member', 'userType'],
  location: ['member', 'locale'],
  preferredLanguage: ['member', 'preferredLanguage'],
  usageLocation: ['inner', ENTRA_USER_URN, 'usageLocation'],
  department: enterprise('department'),
  costCenter: enterprise('costCenter'),
  company: enterprise('organization'),
  employeeIdentifier: enterprise('employeeNumber'),
  division: enterprise('division'),
  workStreetAddress: address('streetAddress'),
  workCity: address('locality'),
  workState: address('region'),
  workPostalCode: address('postalCode'),
  workCountry: address('country'),
  workPhone: phone('work'),
  mobilePhone: phone('mobile'),
  fax: phone('fax'),
}

const BY_NAME: ReadonlyMap<string, Place> = new Map(Object.entries(PLACES))

/** Every property that can be written, by the name that the admin API has for it. */
export const PROPERTY_NAMES: readonly string[] = [
  ...BY_NAME.keys(),
  'email',
  'alternateEmail',
  'manager',
]

/** Properties by these names; one that is absent stays as it is. */
export type Properties = Readonly<Record<string, string | null>>

/** A copy of the document in which the properties have these values. */
export function withProperties(document: JsonObject, properties: Properties): JsonObject {
  const { email, alternateEmail, manager, ...others } = properties
  const written = Object.entries(others).reduce(
    (next, [name, value]) => write(next, placeOf(name), value),
    withEmails(document, email, alternateEmail),
  )
  if (manager === undefined) return written
  return withInner(
    written,
    ENTERPRISE_USER_URN,
    'manager',
    manager === null ? undefined : { value: manager },
  )
}

function placeOf(name: string): Place {
  const place = BY_NAME.get(name)
  if (place === undefined) throw new Error(`no property is named ${name}`)
  return place
}

function write(document: JsonObject, place: Place, given: string | null): JsonObject {
  const value = given ?? undefined
  if (place[0] === 'element') return withElement(document, place, value)
  if (place[0] === 'inner') return withInner(document, place[1], place[2], value)
  return withMember(document, place[1], value)
}

/** A member of an object in the document; an object that has nothing left goes too. */
function withInner(
  document: JsonObject,
  outer: string,
  inner: string,
  value: Json | undefined,
): JsonObject {
  const key = findKey(document, outer) ?? outer
  const held = document[key]
  const holder = isJsonObject(held) ? held : {}
  const next = withMember(holder, findKey(holder, inner) ?? inner, value)
  return withMember(document, key, Object.keys(next).length === 0 ? undefined : next)
}

function withElement(
  document: JsonObject,
  [, list, type, name]: Extract<Place, readonly ['element', ...unknown[]]>,
  value: string | undefined,
): JsonObject {
  const items = elements(member(document, list))
  const chosen = ofType(items, type)
  if (chosen !== undefined) {
    const next = withMember(chosen, name, value)
    // An element that says nothing is gone, unless the next of its type would be read in its place.
    const isAlone = items.every((item) => item === chosen || typeOf(item) !== type)
    return withList(
      document,
      list,
      replaced(items, chosen, isBare(next) && isAlone ? undefined : next),
    )
  }
  return value === undefined
    ? document
    : withList(document, list, [...items, { type, [name]: value }])
}

type Wanted = string | null | undefined

/** The email is the address that is read as such; the alternate one is the first of another type. */
function withEmails(document: JsonObject, email: Wanted, alternate: Wanted): JsonObject {
  if (email === null && alternate === null) return withMember(document, 'emails', undefined)
  return withAlternateEmail(withEmail(document, email), alternate)
}

function withEmail(document: JsonObject, value: Wanted): JsonObject {
  if (value === undefined) return document
  const items = elements(member(document, 'emails'))
  const chosen = primaryOf(items)
  if (chosen !== undefined) {
    const next = value === null ? undefined : { ...chosen, value }
    return withList(document, 'emails', replaced(items, chosen, next))
  }
  return value === null
    ? document
    : withList(document, 'emails', [{ value, type: 'work', primary: true }])
}

function withAlternateEmail(document: JsonObject, value: Wanted): JsonObject {
  if (value === undefined) return document
  const items = elements(member(document, 'emails'))
  const type = typeOf(primaryOf(items) ?? {})
  if (value === null)
    return withList(
      document,
      'emails',
      items.filter((item) => typeOf(item) === type),
    )
  const other = addressed(items).find((item) => typeOf(item) !== type)
  if (other !== undefined)
    return withList(document, 'emails', replaced(items, other, { ...other, value }))
  const added = { value, type: type === 'home' ? 'other' : 'home' }
  return withList(document, 'emails', [...items, added])
}

function primaryOf(items: readonly JsonObject[]): JsonObject | undefined {
  const emails = addressed(items)
  return (
    emails.find((item) => sameText(member(item, 'primary'), 'true')) ??
    ofType(emails, 'work') ??
    emails[0]
  )
}

const addressed = (items: readonly JsonObject[]): readonly JsonObject[] =>
  items.filter((item) => text(member(item, 'value')) !== null)

const withList = (document: JsonObject, list: string, items: readonly JsonObject[]): JsonObject =>
  withMember(document, list, items.length === 0 ? undefined : items)

const replaced = (
  items: readonly JsonObject[],
  old: JsonObject,
  next: JsonObject | undefined,
): readonly JsonObject[] =>
  items.flatMap((item) => (item === old ? (next === undefined ? [] : [next]) : [item]))

/** Whether an element says nothing but what kind of value it is. */
const isBare = (element: JsonObject): boolean =>
  Object.keys(element).every((name) => ['type', 'primary', 'display'].includes(name))
