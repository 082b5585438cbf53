/** Attributes of RFC 7643 section 8.7.1, as far as the prose of sections 4 and 7 fixes their characteristics. */
import { ENTERPRISE, GROUP, USER } from '../urns.ts'

export interface ExpectedAttribute {
  readonly schema: string
  readonly name: string
  readonly section: string
  readonly type: string
  readonly multiValued: boolean
  readonly mutability: string
  readonly returned: string
  /** Sub-attributes that a complex attribute has at least. */
  readonly sub: readonly string[]
}

const PLURAL = ['value', 'type', 'primary']

const rows: readonly (readonly [name: string, kind: string, sub?: readonly string[]])[] = [
  ['userName', 'string'],
  ['name', 'complex', ['formatted', 'familyName', 'givenName', 'middleName', 'honorificPrefix']],
  ['displayName', 'string'],
  ['nickName', 'string'],
  ['profileUrl', 'reference'],
  ['title', 'string'],
  ['userType', 'string'],
  ['preferredLanguage', 'string'],
  ['locale', 'string'],
  ['timezone', 'string'],
  ['active', 'boolean'],
  ['password', 'string'],
  ['emails', 'complex[]', PLURAL],
  ['phoneNumbers', 'complex[]', PLURAL],
  ['ims', 'complex[]', PLURAL],
  ['photos', 'complex[]', PLURAL],
  ['addresses', 'complex[]', ['formatted', 'streetAddress', 'locality', 'region', 'postalCode']],
  ['groups', 'complex[]', ['value', '$ref', 'display', 'type']],
  ['entitlements', 'complex[]', PLURAL],
  ['roles', 'complex[]', PLURAL],
  ['x509Certificates', 'complex[]', PLURAL],
]

const enterprise = ['employeeNumber', 'costCenter', 'organization', 'division', 'department']

const attribute = (
  schema: string,
  section: string,
  [name, kind, sub = []]: readonly [name: string, kind: string, sub?: readonly string[]],
): ExpectedAttribute => ({
  schema,
  section,
  name,
  type: kind.replace('[]', ''),
  multiValued: kind.endsWith('[]'),
  mutability: { password: 'writeOnly', groups: 'readOnly' }[name] ?? 'readWrite',
  returned: name === 'password' ? 'never' : 'default',
  sub,
})

export const EXPECTED_ATTRIBUTES: readonly ExpectedAttribute[] = [
  ...rows.map((row) => attribute(USER, row[1].endsWith('[]') ? '4.1.2' : '4.1.1', row)),
  ...enterprise.map((name) => attribute(ENTERPRISE, '4.3', [name, 'string'])),
  attribute(ENTERPRISE, '4.3', ['manager', 'complex', ['value', '$ref', 'displayName']]),
  attribute(GROUP, '4.2', ['displayName', 'string']),
  attribute(GROUP, '4.2', ['members', 'complex[]', ['value', '$ref', 'type']]),
]

/** The values that RFC 7643 section 7 allows. */
export const CHARACTERISTICS = {
  type: ['string', 'boolean', 'decimal', 'integer', 'dateTime', 'binary', 'reference', 'complex'],
  mutability: ['readOnly', 'readWrite', 'immutable', 'writeOnly'],
  returned: ['always', 'never', 'default', 'request'],
  uniqueness: ['none', 'server', 'global'],
} as const
