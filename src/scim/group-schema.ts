/**
 * The core Group schema (RFC 7643 sections 4.2 and 8.7.1). Data only.
 *
 * `displayName` is required by the prose of section 4.2, and unique here because clients match groups by it.
 * `members.display` is ours to fill: what clients send there is stale as soon as the member is renamed.
 */
import { attribute, type SchemaDefinition } from './attributes.ts'
import { GROUP_URN } from './urns.ts'

export const GROUP_SCHEMA: SchemaDefinition = {
  id: GROUP_URN,
  name: 'Group',
  description: 'A group of users and groups',
  attributes: [
    attribute('displayName', 'The name of the group; unique, whatever its case.', {
      required: true,
      uniqueness: 'server',
    }),
    attribute('members', 'The members of the group.', {
      type: 'complex',
      multiValued: true,
      subAttributes: [
        attribute('value', 'The id of the member.', { caseExact: true, mutability: 'immutable' }),
        attribute('$ref', 'The URL of the member.', {
          type: 'reference',
          referenceTypes: ['User', 'Group'],
          caseExact: true,
          mutability: 'immutable',
        }),
        attribute('type', 'Whether the member is a user or a group.', {
          canonicalValues: ['User', 'Group'],
          mutability: 'immutable',
        }),
        attribute('display', 'The display name of the member.', { mutability: 'readOnly' }),
      ],
    }),
  ],
}
