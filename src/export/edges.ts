/** Which memberships Graph has to be told of. Pure. */
import type { Edge } from '../db/round-edges.ts'
import type { Target } from './targets.ts'

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

/** Whether reconciliation found that Graph holds this membership otherwise, of the account that the member still has. */
export const isFound = ({ found }: Pick<Target, 'found'>, { memberId, graphId }: Edge): boolean =>
  graphId !== null && found.has(`${memberId}:${graphId}`)

/** What was found to be otherwise is unknown: a member is added again, and who is none is removed, though we never added it. */
export function withFinding(target: Pick<Target, 'found'>, edge: Edge): Edge {
  if (!isFound(target, edge)) return edge
  const { isMember, exportedAs, graphId } = edge
  return { ...edge, unknown: true, exportedAs: exportedAs ?? (isMember ? null : graphId) }
}
