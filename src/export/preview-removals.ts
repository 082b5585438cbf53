/**
 * Which accounts would not be disabled though they should be: an administrator is asked, as of whatever goes beyond the directory's
 * threshold in the order of the preview, or has rejected it. As a round holds removals.
 */
import { countBoundWith } from '../db/bound-count.ts'
import type { TakesAway } from '../plan/planned.ts'
import { boundLately, limitOf, readRemovals, removedLately } from '../plan/removed-lately.ts'
import type { DirectorySettings } from '../plan/settings.ts'
import { type BindingError, storedError } from './draft.ts'
import { planFor } from './preview-plan.ts'
import type { Reading } from './preview-reading.ts'
import type { Setting, Subject } from './preview-subject.ts'
import {
  type Permission,
  permissionOf,
  REMOVAL_REJECTED,
  type Standing,
  thresholdError,
} from './threshold.ts'

/** Where a directory stands; without a threshold it lets everything through. */
interface PreviewStanding extends Pick<Standing, 'used' | 'bound'> {
  readonly threshold: DirectorySettings['threshold']
  readonly now: number
}

interface PreviewedRemovals {
  /** Why accounts are not disabled, by the ids of their users. */
  readonly held: ReadonlyMap<string, BindingError>
  /** How many are, and count. */
  readonly granted: number
}

/**
 * Judges what would be taken away from these users; `removed`: how many accounts the pages before would disable. As a round does, it
 * counts the bound users only where it depends on them whether something is held.
 */
export async function judgeRemovals(
  { database, key, now, directory, configuration }: Reading,
  boundIds: readonly string[],
  setting: Setting,
  { subjects, removed }: { readonly subjects: readonly Subject[]; readonly removed: number },
): Promise<PreviewedRemovals> {
  const removals = readRemovals(directory.removals)
  const { threshold } = configuration.settings
  const used = removedLately(removals, now) + removed
  const standing = { threshold, used, bound: 0, now }
  const first = previewedRemovals(setting, subjects, standing)
  if (threshold === null || first.held.size === 0) return first
  const { percent } = threshold
  const lately = percent === 0 ? (removals.bound?.count ?? 0) : boundLately(removals, now)
  const bound = lately ?? (await countBoundWith(database, key, boundIds))
  return previewedRemovals(setting, subjects, { ...standing, bound })
}

/** One after the other, in the order of the preview. Pure. */
function previewedRemovals(
  setting: Setting,
  subjects: readonly Subject[],
  { threshold, used, bound, now }: PreviewStanding,
): PreviewedRemovals {
  const held = new Map<string, BindingError>()
  let granted = 0
  for (const subject of subjects) {
    const takesAway = takenFrom(setting, subject)
    if (takesAway === null) continue
    const permission = permissionOf(subject.binding ?? NEW, threshold, now)
    if (permission === 'rejected') held.set(subject.user.id, REMOVAL_REJECTED)
    if (!isCounted(permission) || threshold === null) continue
    const standing = { threshold, used: used + granted, bound }
    const isWithin = permission === 'counts' && standing.used < limitOf(threshold, bound)
    if (isWithin) granted += 1
    else held.set(subject.user.id, told(subject) ?? thresholdError('user', takesAway, standing))
  }
  return { held, granted }
}

const takenFrom = (setting: Setting, subject: Subject): TakesAway =>
  subject.isCalled ? (planFor(setting, subject)?.takesAway ?? null) : null

const isCounted = (permission: Permission): boolean =>
  permission === 'counts' || permission === 'asked'

const NEW = { approval: null, takenAt: null } as const

/** What it is held for already: the numbers of today are no news. */
function told({ binding }: Subject): BindingError | undefined {
  const error = binding?.approval === 'asked' ? storedError(binding) : undefined
  return error?.code === 'threshold' ? error : undefined
}
