/**
 * What of a filter an index answers: a condition that every match satisfies and that finds few rows. `filterCondition`
 * decides about those.
 */
import { type SQL, sql } from 'drizzle-orm'

import { foldCase } from '../kernel/fold.ts'
import { assertNever } from '../kernel/result.ts'
import type { ResourceType } from '../scim/attributes.ts'
import { resolveAttribute, resolveSub } from '../scim/resolve.ts'
import type { AttributePath, Filter } from '../scim/tree.ts'

type Condition = (value: string, organizationId: string) => SQL

/** What an index answers, by resource type and attribute; `u` and `g` are the tables in the stores' queries. */
const INDEXED: Readonly<Record<ResourceType['name'], Readonly<Record<string, Condition>>>> = {
  User: {
    id: (value) => sql`u.id = ${value}`,
    userName: (value) => sql`u.user_name_key = ${foldCase(value)}`,
    externalId: (value) => sql`u.external_id = ${value}`,
    'emails.value': (value, organizationId) =>
      sql`u.id IN (SELECT id FROM user WHERE organization_id = ${organizationId} AND email_key = ${foldCase(value)}
        UNION ALL SELECT user_id FROM email WHERE organization_id = ${organizationId} AND address_key = ${foldCase(value)})`,
    'groups.value': (value, organizationId) =>
      sql`u.id IN (SELECT member_id FROM group_member WHERE organization_id = ${organizationId} AND group_id = ${value})`,
  },
  Group: {
    id: (value) => sql`g.id = ${value}`,
    displayName: (value) => sql`g.display_name_key = ${foldCase(value)}`,
    externalId: (value) => sql`g.external_id = ${value}`,
    'members.value': (value, organizationId) =>
      sql`g.id IN (SELECT group_id FROM group_member WHERE organization_id = ${organizationId} AND member_id = ${value})`,
  },
}

/** The best first: ids and unique names find one row, the others may find several. */
const PREFERENCE = ['id', 'userName', 'displayName', 'externalId', 'emails.value', 'groups.value']

/**
 * A condition, necessary for the filter, that an index answers: that of an `eq` on its own or joined to anything by
 * `and`. Undefined for every other filter.
 */
export function searchCondition(
  filter: Filter,
  type: ResourceType,
  organizationId: string,
): SQL | undefined {
  const found = equalities(filter, type).toSorted((a, b) => rank(a.name) - rank(b.name))[0]
  return found && INDEXED[type.name][found.name]?.(found.value, organizationId)
}

/** Whether that condition is all that the filter asks for, so that nothing is left to decide. */
export function isSearchAlone(filter: Filter, type: ResourceType): boolean {
  return filter.kind === 'compare' && equalities(filter, type).length === 1
}

interface Equality {
  readonly name: string
  readonly value: string
}

const rank = (name: string): number => {
  const place = PREFERENCE.indexOf(name)
  return place === -1 ? PREFERENCE.length : place
}

/** The indexed equalities among the terms that `and` joins. */
function equalities(filter: Filter, type: ResourceType): Equality[] {
  if (filter.kind === 'and')
    return [...equalities(filter.left, type), ...equalities(filter.right, type)]
  if (filter.kind === 'compare') return equality(filter, nameOf(filter.path, type), type)
  if (filter.kind === 'valuePath') return equalitiesWithin(filter.filter, filter.path, type)
  return []
}

/** `emails[type eq "work" and value eq "x"]`: the address of the element is one of the user's. */
function equalitiesWithin(filter: Filter, owner: AttributePath, type: ResourceType): Equality[] {
  if (filter.kind === 'and')
    return [
      ...equalitiesWithin(filter.left, owner, type),
      ...equalitiesWithin(filter.right, owner, type),
    ]
  if (filter.kind !== 'compare') return []
  return equality(filter, nameOf({ ...owner, sub: filter.path.attribute }, type), type)
}

function equality(
  { operator, value }: Extract<Filter, { kind: 'compare' }>,
  name: string | undefined,
  type: ResourceType,
): Equality[] {
  const isIndexed = name !== undefined && Object.hasOwn(INDEXED[type.name], name)
  return operator === 'eq' && typeof value === 'string' && isIndexed ? [{ name, value }] : []
}

/** `emails` and `emails.value` are the same place; extensions have no indexed attributes. */
function nameOf(path: AttributePath, type: ResourceType): string | undefined {
  const found = resolveAttribute(path, type)
  if (found === undefined || found.extension !== undefined) return undefined
  const { definition } = found
  const sub = found.sub ?? (definition.type === 'complex' ? resolveSub(found, 'value') : undefined)
  return sub === undefined ? definition.name : `${definition.name}.${sub.name}`
}

/**
 * The members that a filter of groups asks about: the ids that it compares for equality, or all members when it asks
 * anything else of them, or none.
 */
export function askedMembers(filter: Filter, type: ResourceType): readonly string[] | 'all' {
  const asked = askedOf(filter, type, undefined)
  return asked.includes(undefined) ? 'all' : asked.filter((id) => id !== undefined)
}

/** Undefined stands for a question that only the whole list answers. */
function askedOf(
  filter: Filter,
  type: ResourceType,
  owner: AttributePath | undefined,
): (string | undefined)[] {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return [...askedOf(filter.left, type, owner), ...askedOf(filter.right, type, owner)]
    case 'not':
      return askedOf(filter.filter, type, owner)
    case 'valuePath':
      return isAboutMembers(filter.path, type) ? askedOf(filter.filter, type, filter.path) : []
    case 'present':
      return owner !== undefined || isAboutMembers(filter.path, type) ? [undefined] : []
    case 'compare': {
      const path = owner === undefined ? filter.path : { ...owner, sub: filter.path.attribute }
      if (!isAboutMembers(path, type)) return []
      const { operator, value } = filter
      const isEquality = nameOf(path, type) === 'members.value' && operator === 'eq'
      return [isEquality && typeof value === 'string' ? value : undefined]
    }
    default:
      return assertNever(filter)
  }
}

function isAboutMembers(path: AttributePath, type: ResourceType): boolean {
  return resolveAttribute(path, type)?.definition.name === 'members'
}
