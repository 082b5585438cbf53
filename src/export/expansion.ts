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

/** Whether an entry of the log has to be expanded before the log is followed beyond it. */
export const isExpanding = ({ targetType, type }: Pick<LogEntry, 'targetType' | 'type'>): boolean =>
  targetType === 'directory' && EXPANDING.includes(type)

/** Where the expansion of the command at `sequence` stands: the last binding that was made due. */
export function expansionCursor(stored: JsonObject | null, sequence: number): string {
  const cursor = stored?.['sequence'] === sequence ? stored['cursor'] : undefined
  return typeof cursor === 'string' ? cursor : ''
}
