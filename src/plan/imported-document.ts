/**
 * A user's document with the values that Microsoft 365 owns, as SCIM shows it: what the client sent is echoed unchanged, and an
 * imported value stands only where the client never sent one. The stored document stays what the client sent.
 */
import type { Json, JsonObject } from '../kernel/json.ts'
import { withMember, withSchemas } from '../scim/document.ts'
import { USER } from '../scim/resource-types.ts'
import { ENTERPRISE_USER_URN } from '../scim/urns.ts'
import { directoryUser } from './directory-user.ts'
import { type ImportedName, importedValues } from './imported.ts'
import { elements, member, objectMember, ofType } from './reading.ts'

type Place = (document: JsonObject, value: string) => JsonObject

const core =
  (name: string): Place =>
  (document, value) =>
    withMember(document, name, value)

const enterprise =
  (name: string): Place =>
  (document, value) =>
    withEnterprise(document, name, value)

function withEnterprise(document: JsonObject, name: string, value: Json): JsonObject {
  const extension = objectMember(document, ENTERPRISE_USER_URN)
  return withMember(document, ENTERPRISE_USER_URN, { ...extension, [name]: value })
}

/** A member of the element of that type, which is added where there is none. */
const element =
  (list: string, type: string, name: string): Place =>
  (document, value) => {
    const items = elements(member(document, list))
    const own = ofType(items, type)
    const next =
      own === undefined
        ? [...items, { type, [name]: value }]
        : items.map((item) => (item === own ? { ...own, [name]: value } : item))
    return withMember(document, list, next)
  }

/** Where the attributes stand that can be imported. */
const PLACES = {
  jobTitle: core('title'),
  employeeType: core('userType'),
  location: core('locale'),
  preferredLanguage: core('preferredLanguage'),
  department: enterprise('department'),
  costCenter: enterprise('costCenter'),
  company: enterprise('organization'),
  employeeIdentifier: enterprise('employeeNumber'),
  division: enterprise('division'),
  manager: (document, value) => withEnterprise(document, 'manager', { value }),
  alternateEmail: element('emails', 'other', 'value'),
  workStreetAddress: element('addresses', 'work', 'streetAddress'),
  workCity: element('addresses', 'work', 'locality'),
  workState: element('addresses', 'work', 'region'),
  workPostalCode: element('addresses', 'work', 'postalCode'),
  workCountry: element('addresses', 'work', 'country'),
  workPhone: element('phoneNumbers', 'work', 'value'),
  mobilePhone: element('phoneNumbers', 'mobile', 'value'),
  fax: element('phoneNumbers', 'fax', 'value'),
} as const satisfies Partial<Record<ImportedName, Place>>

/** An attribute that can be imported. */
export type ImportableName = keyof typeof PLACES

const isPlaced = (name: string): name is ImportableName => Object.hasOwn(PLACES, name)

/** The document with `imported` (as it is stored) where it holds nothing of the client's. */
export function withImportedValues(document: JsonObject, imported: JsonObject | null): JsonObject {
  if (imported === null) return document
  const values = importedValues(imported)
  const sent = directoryUser(document, { id: '', suspended: false, passwordExpired: false })
  let shown = document
  for (const [name, held] of Object.entries(values)) {
    if (!isPlaced(name) || held.value === null) continue
    const isSent = (name === 'manager' ? sent.managerId : sent[name]) !== null
    if (!isSent) shown = PLACES[name](shown, held.value)
  }
  return shown === document ? document : withSchemas(shown, USER)
}
