import { expect, it } from 'vitest'
import { parseAttributePath, printAttributePath } from '../../src/scim/attribute-path.ts'
import { ENTERPRISE_USER_URN, USER_URN } from '../../src/scim/urns.ts'

it.each([
  'userName',
  'name.givenName',
  'members.$ref',
  USER_URN,
  `${USER_URN}:name.givenName`,
  ENTERPRISE_USER_URN,
  `${ENTERPRISE_USER_URN}:manager`,
  'urn:example:custom:tag',
])('prints %s as it was read', (text) => {
  const path = parseAttributePath(text)
  if (!path.ok) throw new Error(path.error)
  expect(printAttributePath(path.value)).toBe(text)
})
