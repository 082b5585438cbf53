/**
 * Rows <-> resources: the one place where the names of columns and of SCIM attributes meet. The stored document holds what
 * the client sent; `id`, `meta`, `groups`, `members` and the effective `active` are added when it is shown.
 */
import { foldCase } from '../kernel/fold.ts'
import { isJsonArray, isJsonObject, type JsonObject } from '../kernel/json.ts'
import { toRfc3339 } from '../kernel/time.ts'
import { withImportedValues } from '../plan/imported-document.ts'
import { etag, fingerprint } from '../scim/etag.ts'
import { GROUP, USER } from '../scim/resource-types.ts'
import type { ResourceType } from '../scim/attributes.ts'
import { alternateEmails, primaryEmail } from '../scim/username.ts'
import { decode } from './client.ts'
import { group, user } from './tables/provisioning.ts'

interface StoredResource {
  readonly id: string
  readonly version: number
  /** The document as the client sent it, by the names and shapes of the schema. */
  readonly resource: JsonObject
  readonly createdAt: number
  readonly modifiedAt: number
}

export interface StoredUser extends StoredResource {
  /** Key of the directory's username, where the policy `local-part` makes it differ from `userName`. */
  readonly usernameKey: string | null
  readonly suspended: boolean
  readonly passwordExpired: boolean
  readonly hasPassword: boolean
  /** Values that a directory owns, beside the document. */
  readonly imported: JsonObject | null
  /** The groups that the user is a direct member of. */
  readonly groups: readonly { readonly id: string; readonly displayName: string }[]
}

export interface StoredGroup extends StoredResource {
  /** Ids of the members that were asked for: all of them, some, or none. */
  readonly members: readonly string[]
}

/** Columns of a user that follow from its document. */
export interface UserColumns {
  readonly userNameKey: string
  readonly emailKey: string | null
  readonly externalId: string | null
  /** Keys of the addresses beyond the primary one: rows of their own. */
  readonly otherEmailKeys: readonly string[]
}

/** What is indexed of a user's document. */
export function userColumns(resource: JsonObject): UserColumns {
  const email = primaryEmail(resource)
  return {
    userNameKey: foldCase(textOf(resource['userName']) ?? ''),
    emailKey: email === undefined ? null : foldCase(email),
    externalId: textOf(resource['externalId']) ?? null,
    otherEmailKeys: alternateEmails(resource).map(foldCase),
  }
}

/** What is indexed of a group's document. */
export function groupColumns(resource: JsonObject): {
  readonly displayNameKey: string
  readonly externalId: string | null
} {
  return {
    displayNameKey: foldCase(textOf(resource['displayName']) ?? ''),
    externalId: textOf(resource['externalId']) ?? null,
  }
}

/** A row of `user` with its `groups` column (a JSON array of `{ id, displayName }`). */
export function readUser(row: Record<string, unknown>): StoredUser {
  const { organizationId: _, sourceId: __, importedFrom: ___, ...stored } = decode(user, row)
  const groups = parseArray(row['groups']).filter(isJsonObject)
  return {
    ...stored,
    groups: groups.map((held) => ({
      id: textOf(held['id']) ?? '',
      displayName: textOf(held['displayName']) ?? '',
    })),
  }
}

/** A row of `group` with the members that were read beside it. */
export function readGroup(row: Record<string, unknown>, members: readonly string[]): StoredGroup {
  const { organizationId: _, sourceId: __, ...stored } = decode(group, row)
  return { ...stored, members }
}

/** The user as SCIM shows it, with imported values where the client sent none. `active` is what holds now, whoever suspended the user. */
export function showUser(stored: StoredUser, baseUrl: string): JsonObject {
  const groups = stored.groups.map(({ id, displayName }) => ({
    value: id,
    $ref: `${baseUrl}${GROUP.endpoint}/${id}`,
    display: displayName,
    type: 'direct',
  }))
  const resource = withImportedValues(stored.resource, stored.imported)
  return show({ ...stored, resource }, USER, baseUrl, userTag(stored), {
    active: !stored.suspended && !stored.passwordExpired,
    ...(groups.length === 0 ? {} : { groups }),
  })
}

/** The group as SCIM shows it, with the members that were read. */
export function showGroup(stored: StoredGroup, baseUrl: string): JsonObject {
  const members = stored.members.map((id) => showMember(id, baseUrl))
  return show(stored, GROUP, baseUrl, etag(stored.version), { members })
}

/** The entity tag of a user: its version, and its memberships, which change without it. */
export function userTag({ version, groups }: StoredUser): string {
  return etag(version, fingerprint(groups.map(({ id, displayName }) => `${id} ${displayName}`)))
}

/** A member as SCIM shows it; the prefix of its id says whether it is a group. */
export function showMember(id: string, baseUrl: string): JsonObject {
  const type = id.startsWith('grp_') ? GROUP : USER
  return { value: id, $ref: `${baseUrl}${type.endpoint}/${id}`, type: type.name }
}

function show(
  { id, resource, createdAt, modifiedAt }: StoredResource,
  type: ResourceType,
  baseUrl: string,
  version: string,
  added: JsonObject,
): JsonObject {
  const { schemas = [type.schema.id], ...attributes } = resource
  return {
    schemas,
    id,
    ...attributes,
    ...added,
    meta: {
      resourceType: type.name,
      created: toRfc3339(createdAt),
      lastModified: toRfc3339(modifiedAt),
      location: `${baseUrl}${type.endpoint}/${id}`,
      version,
    },
  }
}

function parseArray(text: unknown): readonly unknown[] {
  const parsed: unknown = typeof text === 'string' ? JSON.parse(text) : []
  return isJsonArray(parsed) ? parsed : []
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
