/**
 * Commands about many resources (export.md section 1): following waits at such a command until every binding that it concerns
 * has been made due, in D1 only and some thousand per batch, with a cursor in the directory row.
 */
import type { LogEntry } from '../db/round-store.ts'
import type { JsonObject } from '../kernel/json.ts'

/** Commands after which every bound user may owe something. A direction that ends sends nothing, so it is none of them. */
const EXPANDING: readonly string[] = [
  'integrationattribute_include',
  'directory_update',
  'export_requested',
]

type Command = Pick<LogEntry, 'targetType' | 'type' | 'touched'>

/** Whether every binding has to be made due before the log is followed beyond an entry. */
export const makesAllDue = ({ targetType, type }: Command): boolean =>
  targetType === 'directory' && EXPANDING.includes(type)

/** The attribute whose imported values are to be taken away, since its direction left `import`. */
export function leavesImport({ targetType, type, touched }: Command): string | undefined {
  const isDirection = targetType === 'directory' && type.startsWith('integrationattribute_')
  return isDirection ? touched?.[0] : undefined
}

/** Whether an entry of the log has to be expanded before the log is followed beyond it. */
export const isExpanding = (entry: Command): boolean =>
  makesAllDue(entry) || leavesImport(entry) !== undefined

/** Where the expansion of the command at `sequence` stands: the last binding that was made due. */
export function expansionCursor(stored: JsonObject | null, sequence: number): string {
  const cursor = stored?.['sequence'] === sequence ? stored['cursor'] : undefined
  return typeof cursor === 'string' ? cursor : ''
}
