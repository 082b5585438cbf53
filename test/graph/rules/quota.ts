import { accessErrors } from '../errors.ts'
import type { Directory } from '../directory.ts'

/** What is in the recycle bin counts for a quarter. */
const WEIGHT_OF_DELETED = 1 / 4

/** A tenant holds so many objects and no more. */
export function checkQuota(directory: Directory): void {
  const { objectQuota } = directory.settings
  if (objectQuota === undefined) return
  const live = directory.countLive('user') + directory.countLive('group')
  const used = live + directory.countDeleted() * WEIGHT_OF_DELETED
  if (used + 1 > objectQuota) throw accessErrors.quota()
}
