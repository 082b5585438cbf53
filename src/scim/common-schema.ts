/**
 * The attributes that every resource has, whatever its schema (RFC 7643 section 3.1). Data only.
 *
 * `schemas` is `readOnly` here: which URNs a resource shows follows from its data.
 * It ignores case because clients spell URNs in any case.
 */
import { attribute, type AttributeDefinition } from './attributes.ts'

export const COMMON_ATTRIBUTES: readonly AttributeDefinition[] = [
  attribute('schemas', 'The URNs of the schemas whose attributes the resource holds.', {
    type: 'reference',
    referenceTypes: ['uri'],
    multiValued: true,
    required: true,
    mutability: 'readOnly',
    returned: 'always',
  }),
  attribute('id', 'The identifier that this service gave the resource; it never changes.', {
    caseExact: true,
    mutability: 'readOnly',
    returned: 'always',
    uniqueness: 'server',
  }),
  attribute('externalId', 'The identifier by which the provisioning client knows the resource.', {
    caseExact: true,
  }),
  attribute('meta', 'What this service records about the resource itself.', {
    type: 'complex',
    mutability: 'readOnly',
    subAttributes: [
      attribute('resourceType', 'The name of the resource type.', {
        caseExact: true,
        mutability: 'readOnly',
      }),
      attribute('created', 'When the resource was created.', {
        type: 'dateTime',
        mutability: 'readOnly',
      }),
      attribute('lastModified', 'When the resource was last changed.', {
        type: 'dateTime',
        mutability: 'readOnly',
      }),
      attribute('location', 'The URL of the resource.', {
        type: 'reference',
        referenceTypes: ['uri'],
        caseExact: true,
        mutability: 'readOnly',
      }),
      attribute('version', 'The version of the resource, equal to its ETag.', {
        caseExact: true,
        mutability: 'readOnly',
      }),
    ],
  }),
]
