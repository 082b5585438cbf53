import { describe, expect, test } from 'vitest'

import {
  afterPage,
  type DeltaLink,
  startProgress,
  withoutLink,
} from '../../src/reconcile/progress.ts'

const DAY = 24 * 3_600_000
const now = 100 * DAY
const link: DeltaLink = {
  link: 'L',
  groups: 'G',
  groupsAgain: ['grp_busy'],
  select: 'id',
  mode: 'report',
  takenAt: now - DAY,
  wholeAt: now - DAY,
}
const start = { link, select: 'id', mode: 'report', onDemand: false, now } as const

describe('a run', () => {
  test('follows the stored link', () => {
    expect(startProgress(start)).toMatchObject({
      link: 'L',
      isWhole: false,
      seeksMissing: false,
      groups: { link: 'G', ids: ['grp_busy'] },
    })
  })

  test('compares all groups when no link tells which of them changed', () => {
    const progress = startProgress({ ...start, link: { ...link, groups: null } })
    expect(progress).toMatchObject({ isWhole: false, groups: { link: null, ids: null } })
  })

  test.each([
    ['on demand', { onDemand: true }],
    ['when other attributes are compared', { select: 'id,city' }],
    ['weekly', { link: { ...link, wholeAt: now - 6 * DAY } }],
    ['when reported drift is to be put right', { mode: 'enforce' as const }],
  ])('compares everybody %s, after the old link has told who was deleted', (_, change) => {
    const progress = startProgress({ ...start, ...change })
    expect(progress).toMatchObject({ link: 'L', isWhole: true, isCatchingUp: true })
    expect(progress.groups).toEqual({ link: null, ids: null, deltaLink: null, again: [] })
    const caughtUp = afterPage(progress, { nextLink: null, deltaLink: 'M' })
    expect(caughtUp).toMatchObject({ phase: 'pages', link: null, isCatchingUp: false })
    const ended = afterPage(caughtUp, { nextLink: null, deltaLink: 'N' })
    expect(ended).toMatchObject({ phase: 'missing', deltaLink: 'N', seeksMissing: false })
  })

  test.each([
    ['there is no link', null],
    ['Microsoft 365 has forgotten the link', { ...link, takenAt: now - 7 * DAY }],
  ])('seeks who is missing when %s', (_, stored) => {
    const progress = startProgress({ ...start, link: stored })
    expect(progress).toMatchObject({ link: null, isWhole: true, seeksMissing: true })
    expect(progress.isCatchingUp).toBe(false)
  })

  test('that loses its link begins again with everybody', () => {
    expect(withoutLink(startProgress(start))).toMatchObject({
      link: null,
      isWhole: true,
      isCatchingUp: false,
      seeksMissing: true,
      groups: { link: null, ids: null },
      restarts: 1,
    })
  })
})
