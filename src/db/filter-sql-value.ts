import type { SQL } from 'drizzle-orm'

import type { AttributeDefinition } from '../scim/attributes.ts'

/**
 * What SQL finds at a place. `text`: as in the document. `key`: folded by `foldCase` already. `flag`: 1 or 0. `instant`:
 * milliseconds. `object`: nothing that can be compared. `unknown`: what only `matchesFilter` can read.
 */
export type Form = 'text' | 'key' | 'flag' | 'instant' | 'object' | 'unknown'

/** The values at one place: as many as `from` has rows, else one at most. */
export interface Values {
  /** Tables and a condition for a FROM clause. */
  readonly from?: { readonly tables: SQL; readonly where?: SQL }
  /** Null where there is none. */
  readonly value: SQL
  readonly form: Form
  /** True where `value` is not exactly what JavaScript compares. */
  readonly isVague?: SQL
  /** Whether the value is present (`pr`, RFC 7644 section 3.4.2.2); null only where the form is unknown. */
  readonly isPresent: SQL
  /** Of several values, in which order they count: the primary one first, then as the resource shows them. */
  readonly order?: SQL
  /** The values of a sub-attribute, within one value; of complex and opaque ones. */
  readonly sub?: (definition: AttributeDefinition) => Values
}

/**
 * A condition in three values: 1, 0, and null for what SQL cannot decide and `matchesFilter` has to. SQL's own AND, OR
 * and NOT carry the null on as they should: a row that some other term excludes is excluded.
 */
export interface Term {
  readonly sql: SQL
  /** True when it is never null. */
  readonly isExact: boolean
}
