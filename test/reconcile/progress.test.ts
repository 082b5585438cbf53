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
    ['when there is no link', { link: null }],
    ['when Microsoft 365 has forgotten the link', { link: { ...link, takenAt: now - 7 * DAY } }],
  ])('compares everybody %s, and leaves the old link alone', (_, change) => {
    const progress = startProgress({ ...start, ...change })
    expect(progress).toMatchObject({ link: null, isWhole: true })
    expect(progress.groups).toEqual({ link: null, ids: null, deltaLink: null, again: [] })
  })

  test('seeks who is missing behind the last page, and keeps its link', () => {
    const second = afterPage(startProgress(start), { nextLink: 'P', deltaLink: null })
    expect(second).toMatchObject({ phase: 'pages', link: 'P', pages: 1 })
    const ended = afterPage(second, { nextLink: null, deltaLink: 'N' })
    expect(ended).toMatchObject({ phase: 'missing', link: null, deltaLink: 'N', pages: 2 })
  })

  test('that loses its link begins again with everybody', () => {
    const second = afterPage(startProgress(start), { nextLink: 'P', deltaLink: null })
    expect(withoutLink(second)).toMatchObject({
      link: null,
      isWhole: true,
      pages: 0,
      groups: { link: null, ids: null },
      restarts: 1,
    })
  })
})
