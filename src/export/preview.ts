/** What an export would change, told before anything is sent: the drain's planner over what Graph holds now. Reads only. */
import type { Database } from '../db/client.ts'
import type { DirectoryRow } from '../db/lease.ts'
import { readPreview, type StoredPreview } from '../db/preview-reader.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import {
  type AttributeName,
  type Direction,
  directionOf,
  type Directions,
} from '../plan/attributes.ts'
import { readDirections, readSettings } from '../plan/configuration.ts'
import { isAsked, type PreviewQuery } from './preview-call.ts'
import { withGoneManagers } from './preview-gone.ts'
import { readGraph } from './preview-graph.ts'
import { type PreviewItem, previewItem } from './preview-item.ts'
import { boundBy, withAccountsToCome } from './preview-managers.ts'
import { withMatches } from './preview-matches.ts'
import { withNamesakes } from './preview-names.ts'
import type { PreviewConnection, ReadingFault } from './preview-reading.ts'
import { judgeRemovals } from './preview-removals.ts'
import { reportItem, waitsForOneOf } from './preview-reports.ts'
import { readManagers, subjectsIn } from './preview-users.ts'

export interface PreviewPorts {
  readonly database: Database
  readonly now: number
  readonly graphBase: string
  readonly connect: (directory: DirectoryRow) => Promise<Result<PreviewConnection, string>>
}

export interface Preview {
  /** The log's end when the users were read. */
  readonly sequence: number
  readonly items: readonly PreviewItem[]
  readonly nextAfter: string | undefined
}

export type PreviewFault =
  | { readonly kind: 'noDirectory' }
  | { readonly kind: 'unknownUser'; readonly id: string }
  | ReadingFault

/** Previews one page of users. */
export async function previewUsers(
  ports: PreviewPorts,
  query: PreviewQuery,
): Promise<Result<Preview, PreviewFault>> {
  const { after, removed } = readPlace(query.after)
  const page = { ...query, after, withReports: query.userIds !== undefined }
  const stored = await readPreview(ports.database, query, page, ports.now)
  if (stored === undefined) return err({ kind: 'noDirectory' })
  const unknown = unknownUser(query, stored)
  if (unknown !== undefined) return err({ kind: 'unknownUser', id: unknown })
  const connection = await ports.connect(stored.directory)
  if (!connection.ok) return err({ kind: 'unreachable', detail: connection.error })
  const before = readDirections(stored.directions)
  const choices = newChoices(before, query.choices)
  const directions = withChoices(before, choices)
  const looks = choices.some(([, direction]) => direction !== 'exclude')
  const asked = { ...query, looks }
  const { directory, managers: bound } = stored
  const { database, now, graphBase } = ports
  const { transport, token } = connection.value
  const settings = readSettings(directory.settings)
  const configuration = { settings, directions, graphBase, managers: boundBy(query.userIds, bound) }
  const subjects = subjectsIn(stored, asked, configuration).filter(
    (subject) => isAsked(query, subject) || waitsForOneOf(query.userIds ?? [], subject),
  )
  const managers = await readManagers(ports, asked, configuration, subjects)
  const reading = { database, transport, token, now, key: query, directory, configuration }
  const read = await readGraph(reading, [...subjects, ...managers])
  if (!read.ok) return read
  const named = await withNamesakes(reading, asked, read.value, [...subjects, ...managers])
  if (!named.ok) return named
  const linked = withAccountsToCome(named.value, managers)
  const known = await withGoneManagers(reading, linked, subjects, managers)
  if (!known.ok) return known
  const setting = known.value
  const { held, granted } = await judgeRemovals(reading, query.userIds ?? [], setting, {
    subjects,
    removed,
  })
  const items = subjects.flatMap((subject) => {
    const item = isAsked(query, subject) ? previewItem : reportItem
    return item(setting, subject, held.get(subject.user.id)) ?? []
  })
  const suggested = await withMatches(reading, setting, subjects, items)
  if (!suggested.ok) return suggested
  const nextAfter = stored.nextAfter && placeOf(stored.nextAfter, removed + granted)
  return ok({ sequence: stored.sequence, items: suggested.value, nextAfter })
}

/** A page goes on behind a user, and with how many accounts the pages before it would disable. */
const placeOf = (after: string, removed: number): string =>
  removed === 0 ? after : `${after}/${removed}`

function readPlace(place: string): { readonly after: string; readonly removed: number } {
  const [after = '', removed = ''] = place.split('/')
  return { after, removed: /^\d{1,9}$/.test(removed) ? Number(removed) : 0 }
}

/** A user that is asked for and is not there. */
function unknownUser({ userIds }: PreviewQuery, { ids, users }: StoredPreview): string | undefined {
  const found = new Set(users.map(({ id }) => id))
  return ids.find((id) => !found.has(id) && userIds?.includes(id) === true)
}

type Choice = readonly [AttributeName, Direction]

/** Those that are different afterwards: no other is a change. */
const newChoices = (directions: Directions, choices: PreviewQuery['choices']): readonly Choice[] =>
  [...choices].filter(([name, direction]) => directionOf(directions, name).direction !== direction)

/** What was exported before a direction is chosen anew no longer counts as known. */
const withChoices = (directions: Directions, choices: readonly Choice[]): Directions =>
  new Map([
    ...directions,
    ...choices.map(
      ([name, direction]) => [name, { direction, sequence: Number.MAX_SAFE_INTEGER }] as const,
    ),
  ])
