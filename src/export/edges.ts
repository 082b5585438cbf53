/** Which memberships Graph has to be told of. Pure. */
import type { Edge } from '../db/round-store.ts'

/** What one membership asks for; an added or removed one is named by the Graph id that it is about. */
export interface EdgePlan {
  readonly edge: Edge
  readonly add: string | null
  readonly remove: string | null
  /** The member has no Graph id yet: the group waits for it. */
  readonly awaits: boolean
}

/**
 * Compares one membership with what was exported. `graphId` is the member's Graph id now (null: none). A membership
 * that is unknown differs from being there and from not being there.
 */
export function planEdge(edge: Edge, graphId: string | null): EdgePlan {
  const { isMember, exportedAs, unknown } = edge
  const wanted = isMember ? graphId : null
  const isStale = exportedAs !== null && (exportedAs !== wanted || (unknown && wanted === null))
  return {
    edge,
    add: wanted !== null && (wanted !== exportedAs || unknown) ? wanted : null,
    remove: isStale ? exportedAs : null,
    awaits: isMember && graphId === null,
  }
}
