/** `/organizations`, `/organization`, `/admins`, `/api-keys` and `/sources` of the admin API, described. */
import * as v from 'valibot'

import { type ApiRoom, listOf, timeShape } from '../http/describe-api.ts'
import { pageSchema } from '../http/parse-request.ts'
import { adminPatchSchema, adminShape, newAdminSchema } from './admins.ts'
import { keyShape, newKeySchema, newKeyShape } from './api-keys.ts'
import { newCredentialSchema } from './credentials.ts'
import {
  newOrganizationSchema,
  newOrganizationShape,
  organizationPatchSchema,
  organizationShape,
} from './organizations.ts'
import { quirkShape } from './quirks.ts'
import { newSourceSchema, sourcePatchSchema } from './sources.ts'

const credential = {
  id: v.string(),
  type: v.picklist(['bearer', 'oauth_client', 'federated']),
  name: v.string(),
  prefix: v.pipe(
    v.nullable(v.string()),
    v.description('How its secret begins; null of a federated one.'),
  ),
  clientId: v.optional(
    v.pipe(
      v.string(),
      v.description('What the client calls itself at `/oauth/token`: of every type but bearer.'),
    ),
  ),
  issuer: v.optional(
    v.pipe(v.nullable(v.string()), v.description('Of a federated one: who signs its tokens.')),
  ),
  subject: v.optional(v.nullable(v.string())),
  audience: v.optional(v.nullable(v.string())),
  expiresAt: v.nullable(timeShape),
  revokedAt: v.nullable(timeShape),
  createdAt: timeShape,
}
const credentialShape = v.looseObject(credential)
const newCredentialShape = v.looseObject({
  ...credential,
  secret: v.optional(
    v.pipe(v.string(), v.description('Shown here and never again; a federated one has none.')),
  ),
  warning: v.optional(v.pipe(v.string(), v.description('What to know before relying on it.'))),
})

const sourceShape = v.strictObject({
  id: v.string(),
  name: v.string(),
  type: v.picklist(['entra', 'okta', 'generic']),
  usernamePolicy: v.pipe(
    v.picklist(['strict', 'local-part', 'any']),
    v.description(
      'Which usernames the source may send. `strict`: ASCII letters, digits, `.`, `_`, `-`, and no address; `local-part`: an address, whose part before the @ is the username; `any`: whatever the client sends.',
    ),
  ),
  entraTenantId: v.pipe(
    v.nullable(v.string()),
    v.description(
      'The Entra tenant that it provisions from, by its id or a domain. A directory of the same tenant is refused unless its setting `sameTenant` allows it.',
    ),
  ),
  credentials: v.array(credentialShape),
  createdAt: timeShape,
  modifiedAt: timeShape,
})

const TENANT = 'A directory is connected to the Entra tenant that the source names.'

export const organizationApi: ApiRoom = {
  shapes: {
    Organization: organizationShape,
    Administrator: adminShape,
    ApiKey: keyShape,
    Source: sourceShape,
    Credential: credentialShape,
    Quirk: quirkShape,
  },
  routes: {
    'POST /organizations': {
      summary: 'Make an organization',
      details: 'With its first administrator, whose key is shown once.',
      body: newOrganizationSchema,
      answer: newOrganizationShape,
      status: 201,
    },
    'GET /organization': { summary: 'Read your organization', answer: organizationShape },
    'PATCH /organization': {
      summary: 'Change your organization',
      body: organizationPatchSchema,
      answer: organizationShape,
    },

    'GET /metrics': {
      summary: 'Read the numbers of your organization, for Prometheus',
      details: 'Users, groups, the log, and how far each directory has come.',
      media: ['text/plain'],
    },

    'GET /admins': {
      summary: 'List administrators',
      query: pageSchema,
      answer: listOf(adminShape),
    },
    'POST /admins': {
      summary: 'Add an administrator',
      details: 'They can do nothing until they have a key.',
      body: newAdminSchema,
      answer: adminShape,
      status: 201,
    },
    'PATCH /admins/:id': {
      summary: 'Change an administrator',
      details: 'Another role holds for their keys within 30 seconds.',
      body: adminPatchSchema,
      answer: adminShape,
      conflict: 'It is the last billing_admin.',
    },
    'DELETE /admins/:id': {
      summary: 'Remove an administrator and their keys',
      conflict: 'It is the last billing_admin.',
    },
    'GET /api-keys': { summary: 'List API keys', query: pageSchema, answer: listOf(keyShape) },
    'POST /api-keys': {
      summary: 'Make an API key',
      details: 'Its secret is in this answer and nowhere else.',
      body: newKeySchema,
      answer: newKeyShape,
      status: 201,
      missing: 'There is no such administrator.',
    },
    'DELETE /api-keys/:id': {
      summary: 'Revoke an API key',
      details: 'It is refused within 30 seconds.',
      conflict: 'It is the last key that can make another one.',
    },

    'GET /sources': { summary: 'List sources', query: pageSchema, answer: listOf(sourceShape) },
    'POST /sources': {
      summary: 'Add a source',
      details: 'Nobody can use it until it has a credential.',
      body: newSourceSchema,
      answer: sourceShape,
      status: 201,
      conflict: TENANT,
    },
    'GET /sources/:id': { summary: 'Read a source', answer: sourceShape },
    'PATCH /sources/:id': {
      summary: 'Change a source',
      details: 'Another username policy holds within 30 seconds.',
      body: sourcePatchSchema,
      answer: sourceShape,
      conflict: TENANT,
    },
    'DELETE /sources/:id': {
      summary: 'Remove a source and its credentials',
      details: 'Its users and groups stay.',
    },
    'GET /sources/:id/quirks': {
      summary: 'List the peculiarities of its client that were tolerated',
      details: 'All of them are one page.',
      query: pageSchema,
      answer: listOf(quirkShape),
    },
    'POST /sources/:id/credentials': {
      summary: 'Make a credential for a source',
      details: 'Its secret is in this answer and nowhere else.',
      body: newCredentialSchema,
      answer: newCredentialShape,
      status: 201,
      conflict:
        'Another source trusts the same token already, or a directory is connected to the Entra tenant that the source names.',
    },
    'DELETE /sources/:id/credentials/:credentialId': {
      summary: 'Revoke a credential of a source',
      details: 'It is refused within 30 seconds.',
    },
  },
}
