/**
 * The discovery documents (RFC 7644 section 4, RFC 7643 sections 5 to 7, RFC 9865 section 4), derived from the tables. What
 * this service cannot do is said to be unsupported. Absent properties are left out, never null (Entra rejects null). Pure.
 */
import type { JsonObject } from '../kernel/json.ts'
import type { AttributeDefinition, ResourceType, SchemaDefinition } from './attributes.ts'
import { RESOURCE_TYPE_URN, SCHEMA_URN, SERVICE_PROVIDER_CONFIG_URN } from './urns.ts'

/** What the HTTP service around this core can do. */
export interface Features {
  /** Absent while there is no `/Bulk`. */
  readonly bulk?: { readonly maxOperations: number; readonly maxPayloadSize: number }
  /** The largest page, and the most that a filter gives back at once. */
  readonly maxResults: number
  readonly sort: boolean
  readonly etag: boolean
  readonly changePassword: boolean
  /** Absent while there is index paging only. */
  readonly cursorPaging?: { readonly defaultPageSize: number; readonly timeoutSeconds?: number }
  readonly authenticationSchemes: readonly AuthenticationScheme[]
}

export interface AuthenticationScheme {
  readonly type: 'oauthbearertoken' | 'oauth2' | 'httpbasic' | 'oauth'
  readonly name: string
  readonly description: string
  readonly specUri?: string
  readonly primary?: boolean
}

/** `GET /ServiceProviderConfig`; `baseUrl` is the URL of the SCIM root, without a slash at its end. */
export function serviceProviderConfig(features: Features, baseUrl: string): JsonObject {
  const { bulk, maxResults, cursorPaging } = features
  const { defaultPageSize, timeoutSeconds } = cursorPaging ?? {}
  return {
    schemas: [SERVICE_PROVIDER_CONFIG_URN],
    patch: { supported: true },
    bulk: { supported: bulk !== undefined, ...(bulk ?? { maxOperations: 0, maxPayloadSize: 0 }) },
    filter: { supported: true, maxResults },
    changePassword: { supported: features.changePassword },
    sort: { supported: features.sort },
    etag: { supported: features.etag },
    pagination: {
      cursor: cursorPaging !== undefined,
      index: true,
      defaultPaginationMethod: 'index',
      ...(defaultPageSize === undefined ? {} : { defaultPageSize }),
      maxPageSize: maxResults,
      ...(timeoutSeconds === undefined ? {} : { cursorTimeout: timeoutSeconds }),
    },
    authenticationSchemes: features.authenticationSchemes.map((scheme) => ({ ...scheme })),
    meta: {
      resourceType: 'ServiceProviderConfig',
      location: `${baseUrl}/ServiceProviderConfig`,
    },
  }
}

/** The resources of `GET /ResourceTypes`; their ids are their names. */
export function resourceTypeDocuments(
  types: readonly ResourceType[],
  baseUrl: string,
): JsonObject[] {
  return types.map(({ name, endpoint, description, schema, extensions }) => ({
    schemas: [RESOURCE_TYPE_URN],
    id: name,
    name,
    endpoint,
    description,
    schema: schema.id,
    schemaExtensions: extensions.map(({ id }) => ({ schema: id, required: false })),
    meta: { resourceType: 'ResourceType', location: `${baseUrl}/ResourceTypes/${name}` },
  }))
}

/** The resources of `GET /Schemas`; their ids are their URNs. */
export function schemaDocuments(types: readonly ResourceType[], baseUrl: string): JsonObject[] {
  const schemas = new Set(types.flatMap(({ schema, extensions }) => [schema, ...extensions]))
  return [...schemas].map((schema) => schemaDocument(schema, baseUrl))
}

/** The document with this id or name, in any case (`/Schemas/{id}`, `/ResourceTypes/{name}`); undefined when there is none. */
export function findDocument(
  documents: readonly JsonObject[],
  idOrName: string,
): JsonObject | undefined {
  const folded = idOrName.toLowerCase()
  return documents.find(({ id, name }) =>
    [id, name].some((known) => typeof known === 'string' && known.toLowerCase() === folded),
  )
}

function schemaDocument(
  { id, name, description, attributes }: SchemaDefinition,
  baseUrl: string,
): JsonObject {
  return {
    schemas: [SCHEMA_URN],
    id,
    name,
    description,
    attributes: attributes.map(attributeDocument),
    meta: { resourceType: 'Schema', location: `${baseUrl}/Schemas/${id}` },
  }
}

function attributeDocument(definition: AttributeDefinition): JsonObject {
  const { canonicalValues, referenceTypes, subAttributes } = definition
  return {
    name: definition.name,
    type: definition.type,
    multiValued: definition.multiValued,
    description: definition.description,
    required: definition.required,
    ...(canonicalValues === undefined ? {} : { canonicalValues }),
    ...(definition.type === 'complex' ? {} : { caseExact: definition.caseExact }),
    mutability: definition.mutability,
    returned: definition.returned,
    uniqueness: definition.uniqueness,
    ...(referenceTypes === undefined ? {} : { referenceTypes }),
    ...(subAttributes === undefined ? {} : { subAttributes: subAttributes.map(attributeDocument) }),
  }
}
