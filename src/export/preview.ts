/** What an export would change, told before anything is sent: the drain's planner over what Graph holds now. Reads only. */
import type { Database } from '../db/client.ts'
import type { DirectoryRow } from '../db/lease.ts'
import { type PreviewKey, readPreview, type StoredPreview } from '../db/preview-reader.ts'
import type { BindingRow } from '../db/round-store.ts'
import type { Transport } from '../graph/transport.ts'
import { isJsonObject } from '../kernel/json.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import {
  type AttributeName,
  type Direction,
  directionOf,
  type Directions,
} from '../plan/attributes.ts'
import { readDirections, readSettings } from '../plan/configuration.ts'
import { importedNames } from '../plan/imported.ts'
import { hasEnded, hasNoAccount } from './draft.ts'
import { asCalled, isCalled } from './preview-call.ts'
import { readGraph, type ReadingFault } from './preview-graph.ts'
import { type PreviewItem, previewItem } from './preview-item.ts'
import { awaitedManagers, isExportedToo, withAccountsToCome } from './preview-managers.ts'
import { judgeRemovals } from './preview-removals.ts'
import { reportItem, waitsForOneOf } from './preview-reports.ts'
import { withDeletedAccounts } from './preview-return.ts'
import { withRivals } from './preview-rivals.ts'
import type { Configuration, Subject } from './preview-subject.ts'
import { isBoundByCreation, isPasswordOwed } from './user-work.ts'

export interface PreviewPorts {
  readonly database: Database
  readonly now: number
  readonly graphBase: string
  readonly connect: (
    directory: DirectoryRow,
  ) => Promise<Result<{ readonly transport: Transport }, string>>
}

export interface PreviewQuery extends PreviewKey {
  /** Whom a bind is about, and with them whoever is linked by it; undefined: the users that are bound. */
  readonly userIds: readonly string[] | undefined
  /** Directions as if they had been chosen just now. */
  readonly choices: ReadonlyMap<AttributeName, Direction>
  readonly after: string
  readonly limit: number
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
  const { transport } = connection.value
  const settings = readSettings(directory.settings)
  const configuration = { settings, directions, graphBase, managers: bound }
  const subjects = subjectsIn(stored, asked, configuration).filter(
    (subject) => isAsked(query, subject) || waitsForOneOf(query.userIds ?? [], subject),
  )
  const managers = await readManagers(ports, asked, configuration, subjects)
  const reading = { database, transport, now, key: query, directory, configuration }
  const read = await readGraph(reading, [...subjects, ...managers])
  if (!read.ok) return read
  const setting = withAccountsToCome(withRivals(read.value, inOrder(subjects, managers)), managers)
  const { held, granted } = await judgeRemovals(reading, query.userIds ?? [], setting, {
    subjects,
    removed,
  })
  const items = subjects.flatMap((subject) => {
    const item = isAsked(query, subject) ? previewItem : reportItem
    return item(setting, subject, held.get(subject.user.id)) ?? []
  })
  const nextAfter = stored.nextAfter && placeOf(stored.nextAfter, removed + granted)
  return ok({ sequence: stored.sequence, items, nextAfter })
}

/** As they are exported, each of them once. */
const inOrder = (...lists: readonly (readonly Subject[])[]): readonly Subject[] =>
  [...new Map(lists.flat().map((subject) => [subject.user.id, subject])).values()].toSorted(
    (a, b) => (a.user.id < b.user.id ? -1 : 1),
  )

/** A page goes on behind a user, and with how many accounts the pages before it would disable. */
const placeOf = (after: string, removed: number): string =>
  removed === 0 ? after : `${after}/${removed}`

function readPlace(place: string): { readonly after: string; readonly removed: number } {
  const [after = '', removed = ''] = place.split('/')
  return { after, removed: /^\d{1,9}$/.test(removed) ? Number(removed) : 0 }
}

/** `looks`: see `Call`. */
interface AskedQuery extends PreviewQuery {
  readonly looks: boolean
}

const isAsked = ({ userIds }: PreviewQuery, { user }: Pick<Subject, 'user'>): boolean =>
  userIds === undefined || userIds.includes(user.id)

/** The managers without an account who are exported as well, on whichever page they are. */
async function readManagers(
  { database, now }: Pick<PreviewPorts, 'database' | 'now'>,
  query: AskedQuery,
  configuration: Configuration,
  subjects: readonly Subject[],
): Promise<readonly Subject[]> {
  const userIds = awaitedManagers(configuration, subjects)
  if (userIds.length === 0) return []
  const page = { userIds, withReports: false, after: '', limit: userIds.length }
  const stored = await readPreview(database, query, page, now)
  if (stored === undefined) return []
  return subjectsIn(stored, query, configuration).filter((manager) =>
    isExportedToo(query.userIds, manager),
  )
}

/** A user that is asked for and is not there. */
function unknownUser({ userIds }: PreviewQuery, { ids, users }: StoredPreview): string | undefined {
  const found = new Set(users.map(({ id }) => id))
  return ids.find((id) => !found.has(id) && userIds?.includes(id) === true)
}

function subjectsIn(
  stored: StoredPreview,
  query: AskedQuery,
  configuration: Configuration,
): readonly Subject[] {
  const call = { binds: query.userIds !== undefined, looks: query.looks }
  const { settings, directions } = configuration
  const { users, bindings, directory, deleted } = stored
  const bindingOf = new Map(bindings.map((row) => [row.resourceId, row]))
  const subjects = users.map((user) => {
    const binding = bindingOf.get(user.id)
    const unfollowed = stored.unfollowed(user.id)
    const willBeBound = isCreatedBound(stored, settings, user) || unfollowed.boundAt !== null
    return {
      user: { ...user, imported: importedUnder(directions, user, directory.id) },
      binding:
        binding && bindingOfAccount(isAsked(query, { user }) ? asCalled(call, binding) : binding),
      importedFrom: accountToAdopt(stored, user, binding),
      hasPassword: hasPassword(stored, settings, { user, binding }),
      unfollowed,
      willBeBound,
      // Of whoever is not asked for, what is asked for says whether something is sent.
      isCalled:
        !isAsked(query, { user }) ||
        unfollowed.isChanged ||
        isCalled({ ...call, binds: call.binds || willBeBound }, binding),
    }
  })
  return withDeletedAccounts(configuration, subjects, deleted)
}

/** An account that we deleted is none. */
const bindingOfAccount = (binding: BindingRow): BindingRow =>
  hasNoAccount(binding) ? { ...binding, graphId: null } : binding

/** Whether the user is bound by its creation, which the directory has still to follow. */
const isCreatedBound = (
  { directory, unfollowed }: StoredPreview,
  settings: Configuration['settings'],
  user: Subject['user'],
): boolean => unfollowed(user.id).isNew && isBoundByCreation(settings, directory.id, user)

/**
 * A bind that begins now sends no password that is older, whoever was bound before; one that is still to be followed sends what came
 * after it; the creation of a user sends that of its bind.
 */
function hasPassword(
  stored: StoredPreview,
  settings: Configuration['settings'],
  { user, binding }: Pick<Subject, 'user' | 'binding'>,
): boolean {
  const password = stored.passwords.get(user.id)
  if (password === undefined) return false
  if (binding !== undefined && !hasEnded(binding)) return isPasswordOwed(password, binding)
  if (binding === undefined && isCreatedBound(stored, settings, user)) return true
  const { boundAt } = stored.unfollowed(user.id)
  return boundAt !== null && password.sequence > boundAt
}

/** What this directory has imported of an attribute that it would import no more is taken away. */
function importedUnder(
  directions: Directions,
  { imported }: Subject['user'],
  directoryId: string,
): Subject['user']['imported'] {
  const names: readonly string[] = importedNames(directions)
  const entries = Object.entries(imported ?? {}).filter(
    ([name, held]) =>
      names.includes(name) || !isJsonObject(held) || held['directoryId'] !== directoryId,
  )
  return Object.fromEntries(entries)
}

/** As the drain's binding will say, or says already; an undo made as if it had not been. */
function accountToAdopt(
  { directory }: StoredPreview,
  { importedFrom }: Subject['user'],
  binding: Subject['binding'],
): string | null {
  const isUndone = binding?.graphId === null && binding.unboundBy === 'undo'
  if (binding !== undefined && !isUndone) return binding.adopting
  return importedFrom?.directoryId === directory.id ? importedFrom.graphId : null
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
