import type * as v from 'valibot'

import { BINDING_STATES, bindingId, listBindings as readBindings } from '../db/binding-store.ts'
import type { ResourceNames } from '../db/resource-names.ts'
import type { BindingRow } from '../db/round-store.ts'
import type { ListBody } from '../http/api-context.ts'
import { type PageQuery, toCursor } from '../http/parse-request.ts'
import type { Problem } from '../http/problem.ts'
import type { JsonObject } from '../kernel/json.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { toRfc3339 } from '../kernel/time.ts'
import type { bindingsQuery } from './binding-query.ts'
import { type DirectoryScope, noDirectory } from './context.ts'

/** One page of a directory's bindings, of the kind and in the states asked for. Problem: notFound. */
export async function listBindings(
  scope: DirectoryScope,
  directoryId: string,
  { state = [], kind }: v.InferOutput<typeof bindingsQuery>,
  page: PageQuery,
): Promise<Result<ListBody, Problem>> {
  const { organizationId } = scope
  const states = state.length > 0 ? state : LISTED
  const query = { organizationId, directoryId, states, kind, ...page }
  const found = await readBindings(scope.database, query)
  if (found === undefined) return err(noDirectory(directoryId))
  return ok({
    items: found.items.map(showBinding),
    nextCursor: found.nextAfter === undefined ? null : toCursor(found.nextAfter),
  })
}

/** One page of what could not be carried out, with the reasons: failed bindings, and endings that were refused. Problem: notFound. */
export async function listFailures(
  { database, organizationId }: DirectoryScope,
  directoryId: string,
  page: PageQuery,
): Promise<Result<ListBody, Problem>> {
  const states = ['failed', 'unbinding'] as const
  const query = { organizationId, directoryId, states, isOver: true, ...page }
  const found = await readBindings(database, query)
  if (found === undefined) return err(noDirectory(directoryId))
  return ok({
    items: found.items.map(showBinding),
    nextCursor: found.nextAfter === undefined ? null : toCursor(found.nextAfter),
  })
}

/** What has been carried out to its end is shown only when it is asked for. */
const LISTED = BINDING_STATES.filter((state) => state !== 'former')

function showBinding(row: BindingRow & ResourceNames): JsonObject {
  const { directoryId, kind, resourceId, graphId, state, reason, attempts, dueAt } = row
  return {
    id: bindingId(directoryId, resourceId),
    directoryId,
    kind,
    userId: kind === 'user' ? resourceId : null,
    groupId: kind === 'group' ? resourceId : null,
    userName: row.userName,
    groupName: row.groupName,
    graphId,
    state,
    reason,
    exportedAt: row.exportedAt === null ? null : toRfc3339(row.exportedAt),
    dueAt: dueAt === null ? null : toRfc3339(dueAt),
    attempts,
    error: row.error,
  }
}
