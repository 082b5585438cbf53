/**
 * Which values of a user here would give way to what Microsoft 365 holds, where the direction is import. Nothing is sent for it, and
 * SCIM goes on echoing what the client sent. Pure.
 */
import { attributeNamed, type Directions } from '../plan/attributes.ts'
import type { DirectoryUser } from '../plan/directory-user.ts'
import type { SeenUser } from '../plan/graph-user.ts'
import { importChanges, importedNames, type ImportedName } from '../plan/imported.ts'

/** A value here, and the one of Microsoft 365 that would take its place; a manager is told by our id. */
export interface PreviewImport {
  readonly attribute: ImportedName
  readonly graph: string
  readonly ours: string | null
  readonly theirs: string
}

/** What an import would bring of the account as it was read. Where Microsoft 365 has no value, ours stays. */
export function previewImports(
  user: DirectoryUser,
  directions: Directions,
  seen: SeenUser,
  userOf: (graphId: string) => string | undefined,
): readonly PreviewImport[] {
  const names = importedNames(directions)
  // As if nothing had been imported yet: what was is among the user's values here.
  const found = importChanges({ stored: null, user, directoryId: '', names, seen, userOf })
  return found.flatMap(({ attribute, before: ours, after: theirs }) => {
    if (theirs === null || theirs === ours) return []
    return [{ attribute, graph: attributeNamed(attribute).graph, ours, theirs }]
  })
}
