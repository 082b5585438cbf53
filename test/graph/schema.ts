import document from './user-schema.json' with { type: 'json' }

export type Kind = 'user' | 'group'

/** What the service's metadata and documentation say of one property. */
export interface PropertyFacts {
  readonly type: string
  /** Default true. */
  readonly nullable?: boolean
  readonly collection?: boolean
  readonly navigation?: boolean
  readonly readOnly?: boolean
  readonly readOnlyWhenSynced?: boolean
  readonly writeOnly?: boolean
  /** Immutable once it has a value. */
  readonly setOnce?: boolean
  /** Settled by the create, with a value or without one. */
  readonly immutable?: boolean
  /** Must be in a create. */
  readonly required?: boolean
  /** False: null is refused although the type is nullable. Default true. */
  readonly clearable?: boolean
  readonly minLength?: number
  readonly maxLength?: number
  /** The limit that the live error names; it tells lengths by a message of its own. */
  readonly statedMaxLength?: number
  readonly maxItems?: number
  readonly maxItemLength?: number
  readonly maxSubAttributeLength?: number
  readonly format?: string
  readonly unique?: boolean
  /** Of privileged users only privileged callers may write it. */
  readonly sensitive?: boolean
  /** False: an application without a signed-in user may not write it. Default true. */
  readonly appOnlyWritable?: boolean
  /** Kept by SharePoint: not selectable in a list. */
  readonly sharePoint?: boolean
  readonly returnedByDefault?: boolean
  readonly filter?: readonly string[]
  readonly search?: boolean
  readonly orderby?: boolean
}

type Facts = ReadonlyMap<string, PropertyFacts>

const factsOf = (section: Record<string, PropertyFacts>): Facts => new Map(Object.entries(section))

const facts: Record<Kind, Facts> = {
  user: factsOf(document.user),
  group: factsOf(document.group),
}

/** All properties of a kind, in the order of the schema. */
export const propertiesOf = (kind: Kind): Facts => facts[kind]

/** The facts of one property; undefined when the service has no such property. */
export const propertyOf = (kind: Kind, name: string): PropertyFacts | undefined =>
  facts[kind].get(name)

/** Members of the two complex types that can be written. */
export const complexMembers: Readonly<Record<string, Facts>> = {
  'graph.passwordProfile': factsOf(document.passwordProfile),
  'graph.employeeOrgData': factsOf(document.employeeOrgData),
  'graph.onPremisesExtensionAttributes': new Map(
    Array.from({ length: 15 }, (_, i) => [`extensionAttribute${i + 1}`, { type: 'Edm.String' }]),
  ),
}

/** What a GET without $select shows. */
export const defaultSelect: Record<Kind, readonly string[]> = {
  user: defaultsOf('user'),
  group: defaultsOf('group'),
}

function defaultsOf(kind: Kind): string[] {
  return [...facts[kind]].filter(([, fact]) => fact.returnedByDefault).map(([name]) => name)
}

/** How the service names a kind in error messages. */
export const resourceName: Record<Kind, string> = { user: 'User', group: 'Group' }
