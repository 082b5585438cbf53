/** The resource types that this service has (RFC 7643 section 6). Data only. */
import type { ResourceType } from './attributes.ts'
import { ENTERPRISE_USER_SCHEMA } from './enterprise-schema.ts'
import { GROUP_SCHEMA } from './group-schema.ts'
import { USER_SCHEMA } from './user-schema.ts'

export const USER: ResourceType = {
  name: 'User',
  endpoint: '/Users',
  description: 'User accounts',
  schema: USER_SCHEMA,
  extensions: [ENTERPRISE_USER_SCHEMA],
}

export const GROUP: ResourceType = {
  name: 'Group',
  endpoint: '/Groups',
  description: 'Groups of users and groups',
  schema: GROUP_SCHEMA,
  extensions: [],
}

export const RESOURCE_TYPES: readonly ResourceType[] = [USER, GROUP]
