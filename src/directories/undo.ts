/**
 * `POST /directories/{id}/undo`: puts a direction, or what a bind made, back as it was. What was overwritten meanwhile has been kept
 * for 30 days; the drain follows the command and sends it once.
 */
import * as v from 'valibot'

import { readStoredDirections, storeDirections } from '../db/direction-store.ts'
import type { NewEvent } from '../db/event-log.ts'
import type { EventRow } from '../db/event-store.ts'
import type { JobRow, WantedJob } from '../db/job-store.ts'
import { OVERWRITTEN_KEPT_MS } from '../db/overwritten-store.ts'
import {
  begunJob,
  readUndoable,
  startUndo,
  undoStatements,
  type UserBind,
} from '../db/undo-store.ts'
import type { Problem } from '../http/problem.ts'
import { eventId, sequenceOf } from '../kernel/id.ts'
import { isJsonArray, isJsonObject, type JsonObject } from '../kernel/json.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { type Direction, directionOf, isAttributeName } from '../plan/attributes.ts'
import { readDirections } from '../plan/configuration.ts'
import { changesOf, type Choice, conflictOf } from './attributes.ts'
import { type DirectoryDeps, type DirectoryScope, noDirectory } from './context.ts'
import { readJobProgress } from './jobs.ts'

const EVENT = 'must be the id of an event (evt_…)'

export const undoBody = v.strictObject({
  eventId: v.pipe(
    v.string(EVENT),
    v.regex(/^evt_\d{1,15}$/, EVENT),
    v.description(
      'A change of a direction, or a bind; of a user that was bound by itself, its creation.',
    ),
  ),
})

/** What the parts below share. */
interface Undoing {
  readonly scope: DirectoryScope
  readonly directoryId: string
  readonly event: EventRow
  readonly job: WantedJob
}

/**
 * Begins to undo an event and gives the job. Problems: notFound (the directory, the event), conflict (it cannot be undone, or not
 * any more), busy.
 */
export async function undo(
  scope: DirectoryScope,
  deps: DirectoryDeps,
  directoryId: string,
  asked: v.InferOutput<typeof undoBody>,
): Promise<Result<JsonObject, Problem>> {
  const { organizationId, now } = scope
  const key = { organizationId, directoryId, sequence: sequenceOf(asked.eventId) }
  const found = await readUndoable(scope.database, key)
  if (found === undefined) return err(noDirectory(directoryId))
  const { event } = found
  if (event === undefined || (event.directoryId ?? directoryId) !== directoryId)
    return err({ kind: 'notFound', what: `Event ${asked.eventId} of this directory` })
  if (event.time <= now - OVERWRITTEN_KEPT_MS) return err(cannot(TOO_OLD))
  if (found.isUndone) return err(cannot(UNDONE))
  if (event.type === 'user_create' && found.bind?.isCause !== true)
    return err(boundNobody(found.bind))
  const job: WantedJob = {
    organizationId,
    id: deps.newId('job'),
    type: 'undo',
    directoryId,
    createdAt: now,
  }
  const begun = await begin({ scope, directoryId, event, job })
  if (!begun.ok) return begun
  scope.changed()
  return readJobProgress(scope, begun.value.id)
}

async function begin(undoing: Undoing): Promise<Result<JobRow, Problem>> {
  const { event, scope, directoryId, job } = undoing
  const choice = chosenBefore(event)
  if (choice !== undefined) return undoDirection(undoing, choice)
  if (!BINDS.has(event.type)) return err(cannot(NOT_UNDOABLE))
  const key = keyOf(undoing)
  const begun = await startUndo(scope.database, key, commandOf(undoing), job)
  if (begun.ok) return begun
  return err(begun.error === 'undone' ? cannot(UNDONE) : noDirectory(directoryId))
}

/** A user that was bound by itself was so because of its creation. */
const BINDS: ReadonlySet<string> = new Set(['binding_create', 'user_create'])

const cannot = (detail: string): Problem => ({ kind: 'conflict', detail })

/** Why a creation that bound nobody here cannot be undone, and what can. */
function boundNobody(bind: UserBind | undefined): Problem {
  const nothing =
    'The creation of this user did not bind it to this directory, so it overwrote nothing there.'
  if (bind === undefined)
    return cannot(`${nothing} The user is not bound: there is nothing to undo.`)
  if (bind.sequence === null)
    return cannot(`${nothing} The groups that it is in bound it: unbind the user instead.`)
  const id = eventId(bind.sequence)
  const detail = `${nothing} Another event did: undo ${id} (binding_create) instead.`
  return { kind: 'conflict', detail, evidence: { eventId: id } }
}

const NOT_UNDOABLE =
  'This event cannot be undone: only a change of a direction (integrationattribute_include, integrationattribute_exclude), a bind (binding_create), and the creation of a user that was bound by itself (user_create) can.'
const TOO_OLD =
  'This event is older than 30 days: what it overwrote is not kept any longer. Set the direction, or unbind the users, instead.'
const UNDONE = 'This event was undone already.'
const CHANGED =
  'The direction was changed again since this event. Undo the later event first, or set the direction as you want it.'

const DIRECTIONS: readonly Direction[] = ['export', 'import', 'exclude']

/** The attribute and the direction that an event took it from; undefined when it is about no direction. */
function chosenBefore({ type, body }: EventRow): Choice | undefined {
  if (!type.startsWith('integrationattribute_')) return undefined
  const { changes } = body
  const change = isJsonArray(changes) ? changes[0] : undefined
  const { attribute, from } = isJsonObject(change) ? change : {}
  const direction = DIRECTIONS.find((item) => item === from)
  if (typeof attribute !== 'string' || !isAttributeName(attribute)) return undefined
  return direction === undefined ? undefined : [attribute, direction]
}

/** The direction goes back as if somebody had chosen it, and what was overwritten is put back after that. */
async function undoDirection(undoing: Undoing, choice: Choice): Promise<Result<JobRow, Problem>> {
  const { scope, directoryId, event, job } = undoing
  const { organizationId, database } = scope
  const stored = await readStoredDirections(database, { organizationId, directoryId })
  if (stored === undefined) return err(noDirectory(directoryId))
  const before = readDirections(stored.rows)
  if (directionOf(before, choice[0]).sequence !== event.sequence) return err(cannot(CHANGED))
  const conflict = conflictOf([choice], stored)
  if (conflict !== undefined) return err(conflict)
  const changes = changesOf(scope, directoryId, [choice], before, true)
  const alongside = undoStatements(keyOf(undoing), commandOf(undoing), job)
  const key = { organizationId, directoryId }
  const written = await storeDirections(database, key, stored.rows, changes, { alongside })
  return written.ok ? ok(begunJob(written.value)) : err({ kind: 'busy', retryAfterSeconds: 1 })
}

const keyOf = ({ scope: { organizationId }, directoryId, event: { sequence } }: Undoing) => ({
  organizationId,
  directoryId,
  sequence,
})

function commandOf({ scope, directoryId, event, job }: Undoing): NewEvent {
  const { sequence, type, body } = event
  const id = eventId(sequence)
  return {
    ...scope.by,
    class: 'command',
    type: 'undo',
    target: { type: 'directory', id: directoryId },
    directoryId,
    touched: [id],
    changes: undone(body),
    details: { jobId: job.id, eventId: id, type },
  }
}

/** Of a direction what it was taken from and to, the other way round. */
function undone({ changes }: JsonObject): NonNullable<NewEvent['changes']> {
  const first = isJsonArray(changes) ? changes[0] : undefined
  const { attribute, from = null, to = null } = isJsonObject(first) ? first : {}
  if (typeof attribute !== 'string') return []
  return [{ attribute, from: to, to: from }]
}
