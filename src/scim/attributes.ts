/**
 * The shape of SCIM schemas as data (RFC 7643 section 7). Validation, filter, PATCH, projection and
 * `/Schemas` are interpreters of these tables; no attribute is named in their code.
 */
export type AttributeType =
  | 'string'
  | 'boolean'
  | 'decimal'
  | 'integer'
  | 'dateTime'
  | 'reference'
  | 'binary'
  | 'complex'

export interface AttributeDefinition {
  readonly name: string
  readonly type: AttributeType
  readonly multiValued: boolean
  readonly description: string
  readonly required: boolean
  readonly caseExact: boolean
  readonly mutability: 'readOnly' | 'readWrite' | 'immutable' | 'writeOnly'
  readonly returned: 'always' | 'never' | 'default' | 'request'
  readonly uniqueness: 'none' | 'server' | 'global'
  readonly canonicalValues?: readonly string[]
  readonly referenceTypes?: readonly string[]
  /** Present exactly when `type` is `complex`. */
  readonly subAttributes?: readonly AttributeDefinition[]
}

export interface SchemaDefinition {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly attributes: readonly AttributeDefinition[]
}

export interface ResourceType {
  readonly name: 'User' | 'Group'
  readonly endpoint: '/Users' | '/Groups'
  readonly description: string
  readonly schema: SchemaDefinition
  readonly extensions: readonly SchemaDefinition[]
}

type Overrides = Partial<Omit<AttributeDefinition, 'name' | 'description'>>

/** An attribute with the defaults of RFC 7643 section 2.2, except for what `overrides` says. */
export function attribute(
  name: string,
  description: string,
  overrides: Overrides = {},
): AttributeDefinition {
  return {
    name,
    description,
    type: 'string',
    multiValued: false,
    required: false,
    caseExact: false,
    mutability: 'readWrite',
    returned: 'default',
    uniqueness: 'none',
    ...overrides,
  }
}

/** The sub-attribute of that name; an attribute that is not complex has none. */
export function findSubAttribute(
  { subAttributes = [] }: AttributeDefinition,
  name: string,
): AttributeDefinition | undefined {
  return findAttribute(subAttributes, name)
}

/** The attribute of that name among `attributes`; names ignore case (RFC 7643 section 2.1). */
export function findAttribute(
  attributes: readonly AttributeDefinition[],
  name: string,
): AttributeDefinition | undefined {
  const folded = name.toLowerCase()
  return attributes.find((candidate) => candidate.name.toLowerCase() === folded)
}
