/**
 * Creating a user: one POST with everything in it but the manager, which Graph takes afterwards only. A create that has
 * no answer is repeated under the name it had, since the name is what makes a second user impossible; the rename follows.
 */
import type { DirectoryUser } from './directory-user.ts'
import { fitMailNickname } from './fit.ts'
import type { PlannedWrite, UserPlanInput } from './planned.ts'
import { createUser } from './requests.ts'
import { isClearable, type MutableSnapshot, type Snapshot, SNAPSHOT_KEYS } from './snapshot.ts'
import { managerWrites, patchWrites } from './update-user.ts'
import { userProperties } from './user-body.ts'

/** The writes that create `user` so that it holds `desired`. */
export function createWrites(
  input: UserPlanInput,
  user: DirectoryUser,
  desired: Snapshot,
): readonly PlannedWrite[] {
  const { manager, ...properties } = withoutBlanks(desired)
  const wanted = properties.email ?? null
  const email = input.binding.creatingAs ?? wanted
  // Graph demands accountEnabled of a create: an account that nobody had yet is not open to a suspended user.
  const values = { ...properties, email, accountEnabled: !user.suspended }
  return [
    createWrite(input, user, values, desired),
    ...(email === wanted ? [] : patchWrites({ email: wanted })),
    ...(manager === undefined ? [] : managerWrites(input.graphBase, manager)),
  ]
}

function withoutBlanks(values: Snapshot): Snapshot {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null))
}

function createWrite(
  input: UserPlanInput,
  user: DirectoryUser,
  values: Snapshot,
  desired: Snapshot,
): PlannedWrite {
  const { costCenter = null, division = null, email } = values
  const orgData = costCenter === null && division === null ? undefined : { costCenter, division }
  const body = {
    ...userProperties(values, orgData),
    mailNickname: fitMailNickname(user.username, String(email), user.id),
    passwordProfile: {
      password: input.password ?? input.randomPassword,
      forceChangePasswordNextSignIn: input.password === undefined,
    },
  }
  const blanks = input.settings.blankPolicy === 'clear' ? blanksOf(desired) : {}
  return {
    purpose: 'create',
    request: () => createUser(body),
    sets: { ...blanks, ...values },
    // Answered, it proves that no earlier attempt made a user, so nothing stays unknown of those.
    attributes: [...new Set([...Object.keys(values), ...input.binding.unknown])],
    carriesPassword: input.password !== undefined,
  }
}

/** A new user holds no value that was not given: what is blank need not be cleared. */
function blanksOf(desired: Snapshot): Snapshot {
  const blanks: MutableSnapshot = {}
  for (const key of SNAPSHOT_KEYS) if (desired[key] === null && isClearable(key)) blanks[key] = null
  return blanks
}
