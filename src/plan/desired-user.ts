/**
 * What Graph should hold of a user: for each attribute that is `export`, a value that Microsoft 365 takes, or null for a
 * blank. A value that had to be changed is told by a problem. One that cannot be made fit is withheld: Graph keeps what
 * it has. Without a usable userPrincipalName there is a failure; what does not depend on it is still desired.
 */
import { attributeNamed, type Directions } from './attributes.ts'
import type { DirectoryUser, TextProperty } from './directory-user.ts'
import { fitLanguage, fitText, isAddress, isUsableAddress, upnFault } from './fit.ts'
import { lossProblems, type Problem, unusable } from './problem.ts'
import type { DirectorySettings } from './settings.ts'
import { exportedKeys, type MutableSnapshot, type Snapshot, type SnapshotKey } from './snapshot.ts'

export interface DesiredInput {
  readonly user: DirectoryUser
  readonly directions: Directions
  readonly settings: Pick<DirectorySettings, 'upnSource' | 'onSuspend' | 'usageLocation'>
  /** Null: no manager wanted; undefined: one is wanted, but has no Graph id yet. */
  readonly managerGraphId: string | null | undefined
}

export interface DesiredUser {
  /** Null says that there should be no value; an absent key is not ours to write, or withheld. */
  readonly values: Snapshot
  /** Values that only stand in for one that the user has not: what somebody else gave the account wins over them. */
  readonly standIns: readonly SnapshotKey[]
  readonly problems: readonly Problem[]
  /** Why the user can be neither created nor renamed; it is not among the problems. */
  readonly failure: Problem | null
}

/** A key's value (absent: withheld) and what is to be told about it. */
interface Step {
  readonly value?: string | boolean | null
  readonly isStandIn?: boolean
  readonly problems?: readonly Problem[]
  readonly failure?: Problem
}

/** Desired state of one user in one directory. */
export function desiredUser(input: DesiredInput): DesiredUser {
  const values: MutableSnapshot = {}
  const standIns: SnapshotKey[] = []
  const problems: Problem[] = []
  let failure: Problem | null = null
  for (const key of exportedKeys(input.directions)) {
    const step = desiredValue(key, input)
    if (step.value !== undefined) values[key] = step.value
    if (step.isStandIn === true) standIns.push(key)
    problems.push(...(step.problems ?? []))
    failure = step.failure ?? failure
  }
  return { values, standIns, problems, failure }
}

function desiredValue(key: SnapshotKey, input: DesiredInput): Step {
  const { user, settings, managerGraphId } = input
  if (key === 'accountEnabled')
    return user.suspended && settings.onSuspend === 'leave' ? {} : { value: !user.suspended }
  if (key === 'manager') return managerGraphId === undefined ? {} : { value: managerGraphId }
  if (key === 'email') return principalName(user, settings.upnSource)
  if (key === 'usageLocation') return usageLocation(user.usageLocation, settings.usageLocation)
  if (key === 'displayname') return displayName(user)
  const text = user[key]
  return text === null ? { value: null } : ownText(key, text)
}

function ownText(key: TextProperty, text: string): Step {
  const { maxLength } = attributeNamed(key)
  if (key === 'alternateEmail') return otherAddress(text, maxLength)
  if (key === 'preferredLanguage') return language(text)
  const loss = fitText(text, maxLength, key === 'workStreetAddress')
  return { value: loss.value === '' ? null : loss.value, problems: lossProblems(key, text, loss) }
}

/** A display name is never blank, since Graph refuses a user without one: of somebody who has no name the username stands in. */
function displayName(user: DirectoryUser): Step {
  const { maxLength } = attributeNamed('displayname')
  const loss = fitText(user.displayname, maxLength)
  const value = loss.value || fitText(user.username, maxLength).value || user.id
  const hasName = (user.firstname ?? user.lastname ?? user.ownDisplayname) !== null
  const isStandIn = !hasName || loss.value === ''
  return { value, isStandIn, problems: lossProblems('displayname', user.displayname, loss) }
}

/** Nothing can be dropped from an address: it would be somebody else's. */
function otherAddress(text: string, maxLength: number | null): Step {
  if (isUsableAddress(text, maxLength)) return { value: text }
  const reason = `is no address that Microsoft 365 takes (name@domain in ASCII, at most ${maxLength} characters)`
  return { problems: [unusable('alternateEmail', text, reason)] }
}

function language(text: string): Step {
  const value = fitLanguage(text)
  const problem = unusable('preferredLanguage', text, 'is no single language tag such as en-US')
  if (value === null) return { problems: [problem] }
  if (value === text) return { value }
  const message = `Preferred Language "${text}" is no single language tag such as en-US: "${value}" is exported.`
  return { value, problems: [{ ...problem, code: 'value_shortened', message }] }
}

/** The user's own country, where the client sends one, else the directory's default, which stands in for it. */
function usageLocation(own: string | null, fallback: string | null): Step {
  const isStandIn = fallback !== null
  if (own === null) return { value: fallback, isStandIn }
  if (/^[a-z]{2}$/i.test(own)) return { value: own.toUpperCase() }
  const reason = 'is no two-letter country code (ISO 3166-1)'
  const problem = unusable('usageLocation', own, reason)
  if (fallback === null) return { problems: [problem] }
  const message = `Usage Location "${own}" ${reason}: the directory's default ${fallback} was taken instead, for an account that has none.`
  return { value: fallback, isStandIn, problems: [{ ...problem, message }] }
}

/** The address that the directory names; without it a username that is an address. */
function principalName(user: DirectoryUser, source: DirectorySettings['upnSource']): Step {
  const label = attributeNamed(source).label
  const fromUsername = isAddress(user.username) ? user.username : null
  const value = user[source] ?? fromUsername
  const whatToDo = `Give the user a valid ${label} in the identity provider, or let this directory take the userPrincipalName from the other address (setting upnSource).`
  if (value === null)
    return {
      failure: {
        code: 'principal_name_missing',
        attribute: 'email',
        message: `Microsoft 365 needs a userPrincipalName, which this directory takes from ${label}: the user has none, and the username "${user.username}" is no address.`,
        whatToDo,
      },
    }
  const fault = upnFault(value)
  if (fault === null) return { value }
  return {
    failure: {
      code: 'principal_name_invalid',
      attribute: 'email',
      message: `"${value}" cannot be the userPrincipalName in Microsoft 365: it ${fault}.`,
      whatToDo,
    },
  }
}
