/**
 * A user's own values of what a directory can import, as SQL over `u`, a row of users: what `directoryUser` reads of a document. Known
 * attributes are stored by the names and in the types of the schema (see `readResource`), so that a path finds them.
 */
import { type SQL, sql } from 'drizzle-orm'

import type { ImportableName } from '../plan/imported-document.ts'
import { ENTERPRISE_USER_URN } from '../scim/urns.ts'

const core = (path: string) => `u.resource ->> '$.${path}'`

const enterprise = (path: string) => core(`"${ENTERPRISE_USER_URN}".${path}`)

const IS_PRIMARY = `(e.value ->> 'primary') IS 1`
const TYPE = `lower(trim(coalesce(e.value ->> 'type', '')))`

/** Of the element of that type: the primary one of several, else the first. */
const element = (list: string, type: string, name: string) =>
  `(SELECT e.value ->> '${name}' FROM json_each(u.resource, '$.${list}') e
    WHERE ${TYPE} = '${type}' ORDER BY ${IS_PRIMARY} DESC, e.key LIMIT 1)`

/** The first address of another type than the user's own address. */
const ALTERNATE_EMAIL = `(SELECT value FROM (SELECT e.key, e.value ->> 'value' AS value, ${TYPE} AS type,
      first_value(${TYPE}) OVER (ORDER BY ${IS_PRIMARY} DESC, ${TYPE} = 'work' DESC, e.key) AS own
    FROM json_each(u.resource, '$.emails') e WHERE trim(coalesce(e.value ->> 'value', '')) <> '')
  WHERE type <> own ORDER BY key LIMIT 1)`

const OWN: Readonly<Record<ImportableName, string>> = {
  jobTitle: core('title'),
  employeeType: core('userType'),
  location: core('locale'),
  preferredLanguage: core('preferredLanguage'),
  department: enterprise('department'),
  costCenter: enterprise('costCenter'),
  company: enterprise('organization'),
  employeeIdentifier: enterprise('employeeNumber'),
  division: enterprise('division'),
  manager: enterprise('manager.value'),
  alternateEmail: ALTERNATE_EMAIL,
  workStreetAddress: element('addresses', 'work', 'streetAddress'),
  workCity: element('addresses', 'work', 'locality'),
  workState: element('addresses', 'work', 'region'),
  workPostalCode: element('addresses', 'work', 'postalCode'),
  workCountry: element('addresses', 'work', 'country'),
  workPhone: element('phoneNumbers', 'work', 'value'),
  mobilePhone: element('phoneNumbers', 'mobile', 'value'),
  fax: element('phoneNumbers', 'fax', 'value'),
}

const CASES = Object.entries(OWN).map(([name, value]) => `WHEN '${name}' THEN ${value}`)

/** The user's own value of the attribute that `name` names; null where it has none. */
export const ownValue = (name: SQL): SQL =>
  sql`nullif(trim(CASE ${name} ${sql.raw(CASES.join('\n'))} END), '')`
