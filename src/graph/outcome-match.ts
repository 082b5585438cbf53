/** Whether a row of `outcome-table.ts` is about an answer. */
import { isJsonArray } from '../kernel/json.ts'
import { assertNever } from '../kernel/result.ts'
import { isSensitiveProperty } from '../plan/sensitive.ts'
import type { GraphError } from './graph-error.ts'
import type { Condition, OutcomeRow } from './outcome-row.ts'
import type { WriteContext } from './outcome-types.ts'

/** How long (seconds) after its creation an object may be unknown to some of Graph's replicas. */
export const REPLICATION_SECONDS = 300

/** True when everything that the row looks at is so. */
export function matches(
  row: OutcomeRow,
  status: number,
  error: GraphError,
  context: WriteContext,
): boolean {
  if (row.status && !row.status.includes(status)) return false
  if (row.code && !row.code.includes(error.code)) return false
  if (row.purposes && !row.purposes.includes(context.purpose)) return false
  if (row.says && !says(row.says, error)) return false
  return row.when === undefined || holds(row.when, context)
}

function says(wanted: NonNullable<OutcomeRow['says']>, error: GraphError): boolean {
  const { detail, message } = wanted
  if (message?.test(error.message)) return true
  if (!detail) return false
  return error.details.some(
    ({ code, target }) =>
      code === detail.code && (detail.target === undefined || target === detail.target),
  )
}

function holds(condition: Condition, context: WriteContext): boolean {
  const age = context.ageSeconds ?? Number.NaN
  switch (condition) {
    case 'young':
      return age < REPLICATION_SECONDS
    case 'old':
      return age >= REPLICATION_SECONDS
    case 'sensitive':
      return isSensitive(context)
    case 'several_links':
      return linkCount(context) > 1
    default:
      return assertNever(condition)
  }
}

function isSensitive(context: WriteContext): boolean {
  if (context.purpose === 'delete_user' || context.purpose === 'restore_user') return true
  return context.purpose === 'update_user' && sensitiveAttributes(context).length > 0
}

/** The attributes in a request that only a privileged application may write on a privileged account. */
export function sensitiveAttributes({ request }: WriteContext): readonly string[] {
  return Object.keys(request.body ?? {}).filter((name) => isSensitiveProperty(name))
}

function linkCount({ request }: WriteContext): number {
  const links = request.body?.['members@odata.bind']
  return isJsonArray(links) ? links.length : 0
}
