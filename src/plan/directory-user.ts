/**
 * The directory's own properties of a user or group, read from its stored SCIM document. Reading is tolerant: an absent,
 * blank or oddly shaped value is null and never an error, since a stored document must always be exportable as far as it goes.
 */
import type { JsonObject } from '../kernel/json.ts'
import { ENTERPRISE_USER_URN } from '../scim/urns.ts'
import type { AttributeName } from './attributes.ts'
import { elements, member, objectMember, ofType, sameText, text, typeOf } from './reading.ts'

const ENTRA_USER_URN = 'urn:ietf:params:scim:schemas:extension:Microsoft:Entra:2.0:User'

/** The attributes that are one text of the user's own. */
export type TextProperty = Exclude<AttributeName, 'password' | 'manager' | 'displayname'>

export interface DirectoryUser extends Readonly<Record<TextProperty, string | null>> {
  readonly id: string
  readonly externalId: string | null
  readonly username: string
  /** First and last name, one alone when the other is absent; without both SCIM's displayName, else the username. */
  readonly displayname: string
  /** SCIM's displayName as sent. */
  readonly ownDisplayname: string | null
  /** Our id of the manager, who may not exist yet. */
  readonly managerId: string | null
  readonly suspended: boolean
  readonly passwordExpired: boolean
}

/** What the user's row says beside the document. */
export interface UserState {
  readonly id: string
  readonly suspended: boolean
  readonly passwordExpired: boolean
  /** Set where the username policy `local-part` makes the username the part of `userName` before its `@`. */
  readonly usernameKey?: string | null
  /** Values that a directory owns; they win over the document's. A manager is given by our id. */
  readonly imported?: Readonly<Partial<Record<AttributeName, { readonly value: string | null }>>>
}

/** The directory properties of a stored SCIM user. */
export function directoryUser(document: JsonObject, state: UserState): DirectoryUser {
  const username = usernameOf(text(member(document, 'userName')) ?? state.id, state)
  const name = objectMember(document, 'name')
  const firstname = text(member(name, 'givenName'))
  const lastname = text(member(name, 'familyName'))
  const ownDisplayname = text(member(document, 'displayName'))
  const joined = [firstname, lastname].filter((part) => part !== null).join(' ')
  const enterprise = objectMember(document, ENTERPRISE_USER_URN)
  const user: DirectoryUser = {
    id: state.id,
    suspended: state.suspended,
    passwordExpired: state.passwordExpired,
    externalId: text(member(document, 'externalId')),
    username,
    firstname,
    lastname,
    displayname: joined === '' ? (ownDisplayname ?? username) : joined,
    ownDisplayname,
    jobTitle: text(member(document, 'title')),
    employeeType: text(member(document, 'userType')),
    location: text(member(document, 'locale')),
    preferredLanguage: text(member(document, 'preferredLanguage')),
    usageLocation: text(member(objectMember(document, ENTRA_USER_URN), 'usageLocation')),
    ...emailsOf(document),
    ...enterpriseOf(enterprise),
    ...workAddressOf(document),
    ...phonesOf(document),
    managerId: managerOf(enterprise),
  }
  return withImported(user, state.imported ?? {})
}

function usernameOf(userName: string, { usernameKey = null }: UserState): string {
  const [localPart = userName] = userName.split('@')
  return usernameKey === null ? userName : localPart
}

function emailsOf(document: JsonObject): Pick<DirectoryUser, 'email' | 'alternateEmail'> {
  const emails = elements(member(document, 'emails')).filter(
    (item) => text(member(item, 'value')) !== null,
  )
  const chosen =
    emails.find((item) => sameText(member(item, 'primary'), 'true')) ??
    ofType(emails, 'work') ??
    emails[0]
  if (chosen === undefined) return { email: null, alternateEmail: null }
  const other = emails.find((item) => typeOf(item) !== typeOf(chosen))
  return {
    email: text(member(chosen, 'value')),
    alternateEmail: other === undefined ? null : text(member(other, 'value')),
  }
}

function enterpriseOf(enterprise: JsonObject) {
  return {
    department: text(member(enterprise, 'department')),
    costCenter: text(member(enterprise, 'costCenter')),
    company: text(member(enterprise, 'organization')),
    employeeIdentifier: text(member(enterprise, 'employeeNumber')),
    division: text(member(enterprise, 'division')),
  }
}

function workAddressOf(document: JsonObject) {
  const address = ofType(elements(member(document, 'addresses')), 'work') ?? {}
  return {
    workStreetAddress: text(member(address, 'streetAddress')),
    workCity: text(member(address, 'locality')),
    workState: text(member(address, 'region')),
    workPostalCode: text(member(address, 'postalCode')),
    workCountry: text(member(address, 'country')),
  }
}

function phonesOf(document: JsonObject) {
  const phones = elements(member(document, 'phoneNumbers'))
  const numberOf = (type: string) => text(member(ofType(phones, type) ?? {}, 'value'))
  return { workPhone: numberOf('work'), mobilePhone: numberOf('mobile'), fax: numberOf('fax') }
}

/** Clients send the manager as an object, as an array of one, or as the bare id. */
function managerOf(enterprise: JsonObject): string | null {
  const [manager] = elements(member(enterprise, 'manager'))
  return manager === undefined ? null : text(member(manager, 'value'))
}

function withImported(
  user: DirectoryUser,
  imported: NonNullable<UserState['imported']>,
): DirectoryUser {
  const { manager, displayname: _, password: __, ...texts } = imported
  const values = Object.entries(texts).map(([name, { value }]) => [name, text(value)])
  return {
    ...user,
    ...Object.fromEntries(values),
    ...(manager === undefined ? {} : { managerId: text(manager.value) }),
  }
}

export interface DirectoryGroup {
  readonly id: string
  readonly externalId: string | null
  readonly displayName: string
}

/** The directory properties of a stored SCIM group; its members have rows of their own. */
export function directoryGroup(
  document: JsonObject,
  state: { readonly id: string },
): DirectoryGroup {
  return {
    id: state.id,
    externalId: text(member(document, 'externalId')),
    displayName: text(member(document, 'displayName')) ?? state.id,
  }
}
