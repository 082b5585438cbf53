/**
 * Where the values of an attribute are in a row: in a column, in the JSON document, or in rows of other tables. The
 * reverse of `row.ts`, which shows a row as a resource. `u` and `g` are the rows of users and groups.
 *
 * Documents hold known attributes by the names and in the types of the schema (see `readResource`), so that a path
 * finds them; what stands under an unknown extension may have any shape and any case (Q24).
 */
import { type SQL, sql } from 'drizzle-orm'

import type { AttributeDefinition, ResourceType } from '../scim/attributes.ts'
import type { ResolvedAttribute } from '../scim/resolve.ts'
import { GROUP, USER } from '../scim/resource-types.ts'
import { hasContent, opaqueValues } from './filter-sql-opaque.ts'
import type { Form, Values } from './filter-sql-value.ts'

/** Where the values of an attribute are, from the outermost place inwards: each is within one value of the one before. */
export function placesOf(
  found: ResolvedAttribute,
  type: ResourceType,
  baseUrl: string,
): readonly Values[] {
  const own = valuesOf(found, type, baseUrl)
  return found.sub === undefined ? [own] : [own, subOf(own, found.sub)]
}

/** The place of a sub-attribute within one value of its attribute. */
export function subOf(place: Values, sub: AttributeDefinition): Values {
  return place.sub?.(sub) ?? { value: sql`NULL`, form: 'object', isPresent: sql`0` }
}

/** The place of an attribute, whatever its sub-attribute. `baseUrl` is the URL of the SCIM root, as shown in references. */
function valuesOf(found: ResolvedAttribute, type: ResourceType, baseUrl: string): Values {
  const { definition, extension, opaque } = found
  const row = sql.raw(ALIAS[type.name])
  if (opaque) return opaqueValues(row, extension?.id ?? '', definition.name)
  const own = extension === undefined ? PLACES[type.name][definition.name] : undefined
  return own?.({ row, baseUrl }) ?? documentValues(row, found)
}

const ALIAS = { User: 'u', Group: 'g' } as const

interface Where {
  readonly row: SQL
  readonly baseUrl: string
}

/** One value in a column or an expression over columns. */
function column(value: SQL, form: Form = 'text'): Values {
  const isText = form === 'text' || form === 'key'
  return {
    value,
    form,
    isPresent: isText ? sql`ifnull(${value} <> '', 0)` : sql`(${value} IS NOT NULL)`,
  }
}

/** An object whose sub-attributes are columns; it is there when `isPresent` says so. */
function columns(subs: Readonly<Record<string, Values>>, isPresent: SQL): Values {
  return {
    value: sql`NULL`,
    form: 'object',
    isPresent,
    sub: ({ name }) => subs[name] ?? column(sql`NULL`),
  }
}

const tag = (row: 'u' | 'g') => column(sql`'W/"' || ${sql.raw(row)}.version || '"'`)

const meta = (type: ResourceType, version: Values) => (at: Where) =>
  columns(
    {
      resourceType: column(sql`${sql.raw(`'${type.name}'`)}`),
      created: column(sql`${at.row}.created_at`, 'instant'),
      lastModified: column(sql`${at.row}.modified_at`, 'instant'),
      location: column(sql`${`${at.baseUrl}${type.endpoint}/`} || ${at.row}.id`),
      version,
    },
    sql`1`,
  )

/** What is no part of the document, or what a column holds in a better form. */
const PLACES: Readonly<
  Record<ResourceType['name'], Readonly<Record<string, (at: Where) => Values>>>
> = {
  User: {
    id: () => column(sql`u.id`),
    externalId: () => column(sql`u.external_id`),
    userName: () => column(sql`u.user_name_key`, 'key'),
    active: () => column(sql`(u.suspended = 0 AND u.password_expired = 0)`, 'flag'),
    meta: meta(USER, {
      ...tag('u'),
      // The tag of a user in groups tells of them too (see `userTag`).
      isVague: sql`EXISTS (SELECT 1 FROM group_member m WHERE m.organization_id = u.organization_id AND m.member_id = u.id)`,
    }),
    groups: ({ baseUrl }) => ({
      ...columns(
        {
          value: column(sql`h.id`),
          $ref: column(sql`${`${baseUrl}${GROUP.endpoint}/`} || h.id`),
          display: column(sql`h.display_name_key`, 'key'),
          type: column(sql`'direct'`),
        },
        sql`1`,
      ),
      from: {
        tables: sql`group_member m JOIN "group" h ON h.organization_id = m.organization_id AND h.id = m.group_id`,
        where: sql`m.organization_id = u.organization_id AND m.member_id = u.id`,
      },
      order: sql`m.group_id`,
    }),
  },
  Group: {
    id: () => column(sql`g.id`),
    externalId: () => column(sql`g.external_id`),
    displayName: () => column(sql`g.display_name_key`, 'key'),
    meta: meta(GROUP, tag('g')),
    members: ({ baseUrl }) => ({
      ...columns(
        {
          value: column(sql`m.member_id`),
          $ref: column(sql`${baseUrl} || ${memberKind('/Groups/', '/Users/')} || m.member_id`),
          type: column(memberKind(GROUP.name, USER.name)),
        },
        sql`1`,
      ),
      from: {
        tables: sql`group_member m`,
        where: sql`m.organization_id = g.organization_id AND m.group_id = g.id`,
      },
      order: sql`m.member_id`,
    }),
  },
}

/** The prefix of a member's id says whether it is a group (see `showMember`). */
function memberKind(group: string, user: string): SQL {
  return sql.raw(`CASE WHEN substr(m.member_id, 1, 4) = 'grp_' THEN '${group}' ELSE '${user}' END`)
}

/** An attribute of the schemas in the document. */
function documentValues(row: SQL, { definition, extension }: ResolvedAttribute): Values {
  const document = sql`${row}.resource`
  const path = pathOf([...(extension === undefined ? [] : [extension.id]), definition.name])
  if (!definition.multiValued) return documentValue(document, path, definition)
  const first = sql`json_each.value`
  return {
    ...(definition.type === 'complex'
      ? documentValue(first, pathOf([]), definition)
      : column(first)),
    from: { tables: sql`json_each(${document}, ${sql.raw(path)})` },
    order:
      definition.type === 'complex'
        ? sql`json_each.value ->> '$.primary' IS NOT 1, json_each.key`
        : sql`json_each.key`,
  }
}

const FORMS: Readonly<Partial<Record<AttributeDefinition['type'], Form>>> = {
  string: 'text',
  reference: 'text',
  binary: 'text',
  boolean: 'flag',
}

function documentValue(json: SQL, path: string, definition: AttributeDefinition): Values {
  if (definition.type !== 'complex') {
    const value = sql`${json} ->> ${sql.raw(path)}`
    return column(value, FORMS[definition.type] ?? 'unknown')
  }
  return {
    value: sql`NULL`,
    form: 'object',
    isPresent: hasContent(json, sql.raw(path)),
    sub: (sub) => documentValue(json, `${path.slice(0, -1)}."${sub.name}"'`, sub),
  }
}

/** A JSON path as an SQL literal; the keys are those of the schemas, which have no quotes. */
function pathOf(keys: readonly string[]): string {
  return `'$${keys.map((key) => `."${key}"`).join('')}'`
}
