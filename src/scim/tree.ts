/** The trees that filters and PATCH paths are parsed into (RFC 7644 figures 1 and 7). */

/** `urn:…:User:name.givenName` -> schema `urn:…:User`, attribute `name`, sub `givenName`; spelled as sent. */
export interface AttributePath {
  readonly schema?: string
  readonly attribute: string
  readonly sub?: string
}

export type CompareOperator = 'eq' | 'ne' | 'co' | 'sw' | 'ew' | 'gt' | 'ge' | 'lt' | 'le'

export type CompareValue = string | number | boolean | null

export type Filter =
  | {
      readonly kind: 'compare'
      readonly path: AttributePath
      readonly operator: CompareOperator
      readonly value: CompareValue
    }
  | { readonly kind: 'present'; readonly path: AttributePath }
  | { readonly kind: 'and'; readonly left: Filter; readonly right: Filter }
  | { readonly kind: 'or'; readonly left: Filter; readonly right: Filter }
  | { readonly kind: 'not'; readonly filter: Filter }
  /** `emails[type eq "work"]`: one element satisfies the whole inner filter, whose paths are sub-attributes. */
  | { readonly kind: 'valuePath'; readonly path: AttributePath; readonly filter: Filter }

/** A PATCH path: `attribute`, `attribute.sub`, `attribute[filter]` or `attribute[filter].sub`. */
export interface PatchPath extends AttributePath {
  readonly filter?: Filter
}
