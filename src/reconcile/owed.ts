/** What is owed to an account that was found deleted and is there again: a run that enforces sends it, so that every run tells it. Pure. */
import type { AwayAccount } from '../db/away-accounts.ts'
import type { ComparedBinding } from '../db/compared-accounts.ts'
import type { Json } from '../kernel/json.ts'
import type { Directions } from '../plan/attributes.ts'
import { directoryUser } from '../plan/directory-user.ts'
import { readDomainFacts, verifiedDomains } from '../plan/domain-facts.ts'
import type { Difference } from '../plan/drift.ts'
import { heldOf, type SeenUser } from '../plan/graph-user.ts'
import { stateOf } from '../plan/imported.ts'
import { ACCOUNT, type OwedInput, owedTo } from '../plan/owed.ts'
import { endingBy } from '../plan/planned.ts'
import type { DirectorySettings } from '../plan/settings.ts'
import { exportedKeys } from '../plan/snapshot.ts'
import type { ConnectedRun } from './context.ts'

/** What a plan is made by. */
export interface OwedConfiguration {
  readonly directions: Directions
  readonly settings: DirectorySettings
  /** Folded; undefined when they are not known. */
  readonly verifiedDomains: ReadonlySet<string> | undefined
}

/** The configuration of a run's directory. */
export const configurationOf = ({
  directions,
  settings,
  directory,
}: Pick<ConnectedRun, 'directions' | 'settings' | 'directory'>): OwedConfiguration => ({
  directions,
  settings,
  verifiedDomains: verifiedDomains(readDomainFacts(directory.domains)),
})

/** What is owed to one account. */
export interface OwedToAccount {
  readonly values: readonly OwedValue[]
  /** Something is, and the account has to be read by its id before it is told. */
  readonly isUnread: boolean
}

export interface OwedValue {
  readonly attribute: string
  readonly ours: Json
  readonly theirs: Json
}

const NOTHING: OwedToAccount = { values: [], isUnread: false }

/**
 * What is owed to the account of a binding: nothing where that was not away. What was found to differ is sent as it is desired by now.
 * `seen` is what the account holds; undefined where it was not read whole.
 */
export function owedToAccount(
  configuration: OwedConfiguration,
  row: ComparedBinding,
  found: readonly Difference[],
  seen: SeenUser | undefined,
): OwedToAccount {
  // One that we deleted is no account: it comes back from the recycle bin, or another one is created.
  if (row.away === null || row.away.binding.deletedAt !== null) return NOTHING
  const input = inputOf(configuration, row, row.away)
  const unknown = [...row.unknown, ...found.map(({ attribute }) => attribute)]
  const { values, isOpen } = owedTo({
    ...input,
    binding: { ...input.binding, unknown: [...new Set(unknown)] },
    current: seen && heldOf(seen, exportedKeys(configuration.directions)),
  })
  if (seen === undefined) return { values: [], isUnread: values.size > 0 || isOpen }
  const held: Readonly<Record<string, Json | undefined>> = seen
  const theirs = (name: string) => (name === ACCOUNT ? row.graphId : (held[name] ?? null))
  return {
    values: [...values].map(([name, ours]) => ({ attribute: name, ours, theirs: theirs(name) })),
    isUnread: false,
  }
}

function inputOf(
  configuration: OwedConfiguration,
  { graphId, snapshot, unknown, exportedSequence }: ComparedBinding,
  { binding: { restoring, approval, unboundBy }, user: row, managers, hasPassword }: AwayAccount,
): OwedInput {
  const user = row && directoryUser(row.resource, stateOf(row))
  const isAsked = approval === 'asked' && configuration.settings.threshold !== null
  return {
    ...configuration,
    ...managerIn(managers, user?.managerId ?? null),
    user,
    ending: unboundBy === null ? undefined : endingBy(unboundBy),
    binding: { graphId, snapshot, unknown, exportedSequence, creatingAs: null, restoring },
    hasPassword,
    isHeld: approval === 'rejected' || isAsked,
  }
}

function managerIn(
  managers: AwayAccount['managers'],
  id: string | null,
): Pick<OwedInput, 'managerGraphId' | 'lostManagerId'> {
  if (id === null) return { managerGraphId: null }
  const manager = managers.get(id)
  return manager?.isMissing === true
    ? { managerGraphId: undefined, lostManagerId: manager.graphId }
    : { managerGraphId: manager?.graphId }
}
