/** What carrying out a plan would send of a user, attribute by attribute: what a run of reconciliation tells of an account that came back. Pure. */
import type { Json } from '../kernel/json.ts'
import type { PlannedWrite, UserPlanInput } from './planned.ts'
import { isPartOfRemoval } from './removal.ts'
import { planUser } from './user-plan.ts'

/** What stands for the whole account where it is to be deleted: null, where we have one no more. */
export const ACCOUNT = 'account'
/** That there is a new one is told, and nothing of it. */
const PASSWORD = 'password'

export interface Owed {
  /** By attribute, `accountEnabled`, `account` or `password`: what Microsoft 365 is to hold. */
  readonly values: ReadonlyMap<string, Json>
  /** Some of it is known only once the account has been read whole. */
  readonly isOpen: boolean
}

export interface OwedInput extends Omit<
  UserPlanInput,
  'password' | 'randomPassword' | 'graphBase' | 'only'
> {
  /** Whether a password waits to be delivered. */
  readonly hasPassword: boolean
  /** An administrator is asked whether the account may be taken away, or has rejected that. */
  readonly isHeld: boolean
}

/** What is owed to an account that is there. */
export function owedTo({ hasPassword, isHeld, ...input }: OwedInput): Owed {
  const plan = planUser({ ...input, randomPassword: '', graphBase: '' })
  const values = new Map<string, Json>()
  for (const write of plan.writes) {
    if (isHeld && isPartOfRemoval(write)) continue
    if (write.purpose === 'delete') values.set(ACCOUNT, null)
    for (const [key, value] of valuesOf(input, write)) values.set(key, value)
  }
  if (hasPassword && plan.action !== 'end') values.set(PASSWORD, null)
  return { values, isOpen: plan.needs.length > 0 || plan.readsAgain }
}

/** An account that is disabled and whose sessions are revoked has one value, which the second of the two writes sets. */
function valuesOf(
  { binding: { restoring } }: Pick<UserPlanInput, 'binding'>,
  { attributes, putsBack, sets }: PlannedWrite,
): readonly (readonly [string, Json])[] {
  const all: Readonly<Record<string, Json | undefined>> = sets
  const held: Readonly<Record<string, Json | undefined>> = restoring ?? {}
  return attributes.map((key) => [key, (putsBack === true ? held : all)[key] ?? null])
}
