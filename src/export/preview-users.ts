/**
 * Users as an export would find them: what is stored of each, and what the log says that the directory has still to follow. Reads the
 * database alone.
 */
import type { Database } from '../db/client.ts'
import { readPreview, type StoredPreview } from '../db/preview-reader.ts'
import type { BindingRow } from '../db/round-store.ts'
import { isJsonObject } from '../kernel/json.ts'
import type { Directions } from '../plan/attributes.ts'
import { importedNames } from '../plan/imported.ts'
import { hasEnded, hasNoAccount } from './draft.ts'
import { asCalled, type AskedQuery, isAsked, isCalled } from './preview-call.ts'
import { awaitedManagers, isExportedToo } from './preview-managers.ts'
import { withDeletedAccounts } from './preview-return.ts'
import type { Configuration, Subject } from './preview-subject.ts'
import { isBoundByCreation, isPasswordOwed } from './user-work.ts'

interface Ports {
  readonly database: Database
  readonly now: number
}

/** The managers without an account who are exported as well, on whichever page they are. */
export async function readManagers(
  ports: Ports,
  query: AskedQuery,
  configuration: Configuration,
  subjects: readonly Subject[],
): Promise<readonly Subject[]> {
  const userIds = awaitedManagers(configuration, subjects)
  const managers = await readSubjects(ports, query, configuration, userIds)
  return managers.filter((manager) => isExportedToo(query.userIds, manager))
}

/** These users; whoever is not there is left out. */
export async function readSubjects(
  { database, now }: Ports,
  query: AskedQuery,
  configuration: Configuration,
  userIds: readonly string[],
): Promise<readonly Subject[]> {
  if (userIds.length === 0) return []
  const page = { userIds, withReports: false, after: '', limit: userIds.length }
  const stored = await readPreview(database, query, page, now)
  return stored === undefined ? [] : subjectsIn(stored, query, configuration)
}

/** The users of a page. */
export function subjectsIn(
  stored: StoredPreview,
  query: AskedQuery,
  configuration: Configuration,
): readonly Subject[] {
  const call = { binds: query.userIds !== undefined, looks: query.looks || stored.willLook }
  const { settings, directions } = configuration
  const { users, bindings, directory, deleted } = stored
  const bindingOf = new Map(bindings.map((row) => [row.resourceId, row]))
  const subjects = users.map((user) => {
    const binding = bindingOf.get(user.id)
    const unfollowed = stored.unfollowed(user.id)
    const willBeBound = isCreatedBound(stored, settings, user) || unfollowed.isBound
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
  return stored.unfollowed(user.id).hasPassword
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
