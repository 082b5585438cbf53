/**
 * What a round is about to write, stored before it writes (export.md section 3). Whoever takes over an expired lease treats
 * it as unknown: an attribute that differs from every value, a create that has to be looked for, a membership that is
 * neither there nor not there.
 */
import * as v from 'valibot'

import type { BindingChange } from '../db/binding-write.ts'
import type { EdgeChange } from '../db/round-commit.ts'
import type { LeaseKey } from '../db/lease.ts'
import type { BindingRow } from '../db/round-store.ts'
import type { Json, JsonObject } from '../kernel/json.ts'
import { isCounted } from '../plan/removed-lately.ts'
import { nextOfRest, openDraft } from './draft.ts'
import type { Target } from './targets.ts'

const intentSchema = v.object({
  at: v.number(),
  writes: v.array(
    v.object({
      kind: v.picklist(['user', 'group']),
      id: v.string(),
      reason: v.picklist(['manual', 'all', 'groups']),
      /** The name under which a create is sent; null for every other write. */
      creatingAs: v.nullable(v.string()),
      attributes: v.array(v.string()),
      /** Whether it takes the account away: the directory's threshold counts it. */
      isTaking: v.boolean(),
      /** What alone is sent of it; absent: everything that it owes. */
      found: v.optional(v.array(v.string())),
    }),
  ),
  edges: v.array(v.object({ groupId: v.string(), memberId: v.string(), graphId: v.string() })),
})

export type Intent = v.InferOutput<typeof intentSchema>
export type IntendedWrite = Intent['writes'][number]

export const intentToJson = ({ at, writes, edges }: Intent): JsonObject => ({
  at,
  writes: writes.map(({ found, ...write }): JsonObject => ({
    ...write,
    ...(found === undefined ? {} : { found }),
  })),
  edges: edges.map((edge): JsonObject => ({ ...edge })),
})

/** Reads a stored intent; null when there is none. A value that is no intent is a bug and throws. */
export function readIntent(stored: Json | null): Intent | null {
  return stored === null ? null : v.parse(intentSchema, stored)
}

/**
 * What the bindings and memberships of an abandoned intent are from now on: owed, with nothing of it known; and how many of
 * its writes may have taken an account away.
 */
export function markUnknown(
  key: LeaseKey,
  intent: Intent,
  bindings: readonly BindingRow[],
  now: number,
): Abandoned {
  const changes = intent.writes.map((write): BindingChange => {
    const before = bindings.find((row) => row.kind === write.kind && row.resourceId === write.id)
    const row = openDraft(key, targetOf(write), before, write.reason).row
    const isCreate = write.creatingAs !== null && row.graphId === null
    const after: BindingRow = {
      ...row,
      dueAt: now,
      attempts: 0,
      takenAt: counts(write, before, intent.at) ? intent.at : row.takenAt,
      ...(isCreate
        ? { creatingAs: write.creatingAs, creatingSince: row.creatingSince ?? intent.at }
        : {
            ...stillOwed(before ?? row, write),
            unknown: [...new Set([...row.unknown, ...write.attributes])],
          }),
    }
    return { before, after }
  })
  // The group's binding is made due by whoever writes its edges: among the writes there is one for it.
  const edges = intent.edges.map((edge) => ({ ...edge, unknown: true, exportedAt: intent.at }))
  const removed = changes.filter(
    ({ before, after }) => after.takenAt === intent.at && before?.approval !== 'approved',
  )
  return { bindings: changes, edges, removed: removed.length }
}

/** Of what was found alone nothing but that is tried again. */
function stillOwed(
  before: BindingRow,
  { found }: IntendedWrite,
): Pick<BindingRow, 'state' | 'found' | 'restDueAt'> {
  const { state } = before
  if (found !== undefined) return { state, found, restDueAt: nextOfRest(before).dueAt }
  return { state: state === 'unbinding' ? 'unbinding' : 'owed', found: null, restDueAt: null }
}

interface Abandoned {
  readonly bindings: BindingChange[]
  readonly edges: EdgeChange[]
  readonly removed: number
}

const counts = (write: IntendedWrite, before: BindingRow | undefined, at: number): boolean =>
  write.isTaking && !isCounted(before?.takenAt ?? null, at)

const targetOf = ({ kind, id }: IntendedWrite): Target => ({
  kind,
  id,
  created: false,
  removed: false,
  members: new Set(),
  whole: false,
  found: new Set(),
  ours: new Map(),
  theirs: new Map(),
  urgentAt: null,
  ordinaryAt: null,
  due: true,
  mayWrite: true,
  mayRetry: true,
  enforced: false,
})
