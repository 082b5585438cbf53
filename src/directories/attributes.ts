import {
  type DirectionChange,
  readStoredDirections,
  storeDirections,
  type StoredDirections,
} from '../db/direction-store.ts'
import type { ListBody } from '../http/api-context.ts'
import { pointerOf } from '../http/parse-request.ts'
import { type FieldProblem, invalidField, type Problem } from '../http/problem.ts'
import type { Json, JsonObject } from '../kernel/json.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import {
  type AttributeName,
  attributeNamed,
  ATTRIBUTES,
  type ChosenDirection,
  type Direction,
  directionOf,
  type Directions,
  isAttributeName,
} from '../plan/attributes.ts'
import { readDirections } from '../plan/configuration.ts'
import { beyondLog } from './command-body.ts'
import { type DirectoryScope, noDirectory } from './context.ts'
import { changedSincePreview, upnImported } from './faults.ts'

type Outcome = Promise<Result<ListBody, Problem>>
export type Choice = readonly [name: AttributeName, direction: Direction]

const MAX_TRIES = 3

/** The attributes of a directory and their directions, in the order in which they are shown. Problem: notFound. */
export async function listAttributes(scope: DirectoryScope, directoryId: string): Outcome {
  const { organizationId, database } = scope
  const stored = await readStoredDirections(database, { organizationId, directoryId })
  return stored === undefined
    ? err(noDirectory(directoryId))
    : ok(show(readDirections(stored.rows)))
}

/**
 * Gives attributes other directions, all or none. Problems: invalid (names, directions, a sequence that no preview told), notFound, conflict (see `conflictOf`;
 * a user that changed since the preview of `atSequence`), busy.
 */
export async function patchAttributes(
  scope: DirectoryScope,
  directoryId: string,
  body: JsonObject,
): Outcome {
  const { atSequence, ...directions } = body
  const choices = choicesOf(directions)
  if (!choices.ok) return choices
  if (atSequence !== undefined && !isSequence(atSequence))
    return err(invalidField('/atSequence', 'must be the sequence that a preview told'))
  const key = { organizationId: scope.organizationId, directoryId }
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const stored = await readStoredDirections(scope.database, key)
    if (stored === undefined) return err(noDirectory(directoryId))
    const before = readDirections(stored.rows)
    const refusal = aheadOf(stored, atSequence) ?? conflictOf(choices.value, stored)
    if (refusal !== undefined) return err(refusal)
    const changes = changesOf(scope, directoryId, choices.value, before)
    if (changes.length === 0) return ok(show(before))
    const written = await storeDirections(scope.database, key, stored.rows, changes, {
      atSequence,
    })
    if (!written.ok && written.error.kind === 'changed')
      return err(changedSincePreview(written.error.ids))
    if (!written.ok) continue
    scope.changed()
    return ok(show(withChoices(before, choices.value)))
  }
  return err({ kind: 'busy', retryAfterSeconds: 1 })
}

const aheadOf = ({ head }: StoredDirections, atSequence = 0): Problem | undefined =>
  atSequence > head ? beyondLog(atSequence, head) : undefined

const isSequence = (value: Json): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0

/** What the body asks for; every name and direction that is wrong is named. */
export function choicesOf(body: JsonObject): Result<readonly Choice[], Problem> {
  const choices: Choice[] = []
  const errors: FieldProblem[] = []
  for (const [name, value] of Object.entries(body)) {
    const pointer = pointerOf([name])
    if (!isAttributeName(name)) {
      errors.push({ pointer, detail: NO_ATTRIBUTE })
      continue
    }
    const { directions, locked } = attributeNamed(name)
    const known = locked ? ALL_DIRECTIONS : directions
    const direction = known.find((item) => item === value)
    if (direction === undefined)
      errors.push({ pointer, detail: `must be one of: ${known.join(', ')}` })
    else choices.push([name, direction])
  }
  return errors.length > 0 ? err({ kind: 'invalid', errors }) : ok(choices)
}

const NO_ATTRIBUTE = `is no attribute of a directory; there are: ${ATTRIBUTES.map(({ name }) => name).join(', ')}`
const ALL_DIRECTIONS: readonly Direction[] = ['export', 'import', 'exclude']

/**
 * Why directions cannot be chosen: a locked attribute, one that another directory imports, or the import of what this directory takes
 * the userPrincipalName from.
 */
export function conflictOf(
  choices: readonly Choice[],
  { imports, upnSource }: StoredDirections,
): Problem | undefined {
  for (const [attribute, direction] of choices) {
    const { locked, label } = attributeNamed(attribute)
    if (locked && direction !== 'export')
      return {
        kind: 'conflict',
        detail: `"${label}" (${attribute}) is always exported: a user in Microsoft 365 cannot be without it. Leave it out.`,
        evidence: { attribute },
      }
    if (direction !== 'import') continue
    if (attribute === upnSource) return upnImported(attribute)
    const other = imports.find((item) => item.attribute === attribute)
    if (other === undefined) continue
    const { directoryId, directoryName } = other
    return {
      kind: 'conflict',
      detail: `"${label}" (${attribute}) is imported from the directory "${directoryName}" (${directoryId}) already, and one directory alone can own a value. Choose another direction there first.`,
      evidence: { attribute, directoryId },
    }
  }
  return undefined
}

/** Only what is different afterwards is a change, and has an event. `isUndoing`: it is as it was, and nobody's choice. */
export function changesOf(
  scope: DirectoryScope,
  directoryId: string,
  choices: readonly Choice[],
  before: Directions,
  isUndoing = false,
): DirectionChange[] {
  return choices.flatMap(([attribute, direction]) => {
    const chosen = directionOf(before, attribute)
    const { direction: from } = chosen
    if (from === direction) return []
    const type =
      direction === 'exclude' ? 'integrationattribute_exclude' : 'integrationattribute_include'
    const target = { type: 'directory', id: directoryId }
    const changes = [{ attribute, from, to: direction }]
    // The drain takes away what was imported of an attribute that it finds here.
    const touched = from === 'import' ? { touched: [attribute] } : {}
    const event = {
      ...scope.by,
      class: 'command',
      type,
      target,
      directoryId,
      changes,
      ...touched,
    } as const
    const countsSince = isUndoing ? countsAgain(chosen, direction) : countsUntil(chosen)
    return [{ attribute, direction, countsSince, event }]
  })
}

/** Since when exports count should the direction that is left be undone back to `export`. */
const countsUntil = ({ direction, sequence, countsSince }: ChosenDirection): number | null =>
  direction === 'export' ? (countsSince ?? sequence) : null

/** What is taken up again by an undoing goes on from what was exported, and overwrites nothing that was changed meanwhile. */
const countsAgain = ({ countsSince }: ChosenDirection, to: Direction): number | null =>
  to === 'export' ? (countsSince ?? null) : null

function withChoices(before: Directions, choices: readonly Choice[]): Directions {
  const chosen = choices.map(([name, direction]) => [name, { direction, sequence: 0 }] as const)
  return new Map([...before, ...chosen])
}

function show(directions: Directions): ListBody {
  const items = ATTRIBUTES.map(
    ({ name, label, graph, graphLabel, locked, directions: choices }) => ({
      attribute: name,
      label,
      graph,
      graphLabel,
      direction: directionOf(directions, name).direction,
      directions: [...choices],
      locked,
    }),
  )
  return { items, nextCursor: null }
}
