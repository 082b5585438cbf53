/**
 * Whose is an account that we deleted, and Microsoft 365 keeps in its recycle bin? The same person, who is known by the same
 * externalId, gets it back; anybody else who wants its name is held (export.md section 5). Pure.
 */
import type { DeletedAccount } from '../db/deleted-accounts.ts'
import { foldCase } from '../kernel/fold.ts'
import type { PlannedWrite } from '../plan/planned.ts'
import { restoreUser } from '../plan/requests.ts'

/** Who is about to get an account: our id of the user, and the externalId. */
export interface Person {
  readonly id: string
  readonly externalId: string | null
}

/** Who is to be created, and under which name. */
export interface Wish {
  readonly person: Person
  readonly name: string
}

export type Former = Pick<DeletedAccount, 'externalId' | 'name' | 'resourceId'>

/** Whether the account was that of the very user, or of one with the same externalId. */
export const isSamePerson = (person: Person, { externalId, resourceId }: Former): boolean =>
  resourceId === person.id || (externalId !== null && externalId === person.externalId)

const hasName = (name: string, former: Former): boolean =>
  foldCase(former.name ?? '') === foldCase(name)

/** Whether the account is looked at before somebody is created under that name. */
export const isAskedFor = ({ person, name }: Wish, former: Former): boolean =>
  isSamePerson(person, former) || hasName(name, former)

/** The deleted account that stands in the way of each create, by our ids: those of the same persons first, and nobody shares one. */
export function formerAccountsOf(
  wishes: readonly Wish[],
  deleted: readonly DeletedAccount[],
): ReadonlyMap<string, DeletedAccount> {
  const found = new Map<string, DeletedAccount>()
  const taken = new Set<string>()
  const take = (isTheirs: (wish: Wish, former: Former) => boolean): void => {
    for (const wish of wishes) {
      if (found.has(wish.person.id)) continue
      const account = deleted.find((each) => !taken.has(each.graphId) && isTheirs(wish, each))
      if (account === undefined) continue
      found.set(wish.person.id, account)
      taken.add(account.graphId)
    }
  }
  if (deleted.length === 0) return found
  take(({ person }, former) => isSamePerson(person, former))
  take(({ name }, former) => hasName(name, former))
  return found
}

/** What a restored account holds of ours is not known; the update that follows brings it up to date. */
export function restore({ graphId, exported }: DeletedAccount, name: string): PlannedWrite {
  return {
    purpose: 'restore',
    request: () => restoreUser(graphId, name),
    sets: { email: name },
    attributes: exported,
    carriesPassword: false,
    restores: graphId,
  }
}

/** The account is there again, under its new name; of the rest that we had exported to it nothing is known. */
export const unknownAfterRestore = ({
  attributes,
  sets,
}: Pick<PlannedWrite<object>, 'attributes' | 'sets'>): string[] =>
  attributes.filter((name) => !(name in sets))
