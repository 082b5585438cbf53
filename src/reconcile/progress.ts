/**
 * Where a run stands: what its consumer stores after each step, and what the next one, perhaps elsewhere, begins with.
 * And the link that it leaves behind. Pure.
 */
import * as v from 'valibot'

import type { JsonObject } from '../kernel/json.ts'

const groupsSchema = v.object({
  /** The next page of what changed of groups; null when none is to be read. */
  link: v.nullable(v.string()),
  /** The groups to compare; null: all that are bound. */
  ids: v.nullable(v.array(v.string())),
  /** From where the next run is told what changed. */
  deltaLink: v.nullable(v.string()),
  /** Those that were written whenever they were read: the next run compares them again, since it is told of them no more. */
  again: v.optional(v.array(v.string()), []),
})

export const ALL_GROUPS: v.InferOutput<typeof groupsSchema> = {
  link: null,
  ids: null,
  deltaLink: null,
  again: [],
}

const progressSchema = v.object({
  /**
   * `pages`: Graph's pages are read. `missing`: bound accounts that none showed are sought. `groupPages`: the pages of groups that changed
   * are read. `groups`: bound groups are compared. `reports`: those whose manager came back are looked up. `end`: what was found is
   * carried on.
   */
  phase: v.picklist(['pages', 'missing', 'groupPages', 'groups', 'reports', 'end']),
  /** The next page; null: the first page of everybody. */
  link: v.nullable(v.string()),
  /** Everybody is compared, not only who changed; bound accounts that are on no page are sought. */
  isWhole: v.boolean(),
  /** How many pages were read since they were begun. */
  pages: v.number(),
  /** Accounts to be read by their id, because what a page said of them is not certain, and when. */
  recheck: v.array(v.object({ graphId: v.string(), at: v.number() })),
  /** How far `missing`, `groups`, `reports` and `end` came. */
  cursor: v.string(),
  deltaLink: v.nullable(v.string()),
  groups: v.optional(groupsSchema, ALL_GROUPS),
  select: v.string(),
  /** Tries of the present step, and how often the pages were begun again. */
  attempts: v.number(),
  restarts: v.number(),
  /** An administrator has to be asked: until then the end tells of those alone who are gone. */
  asks: v.optional(v.boolean(), false),
  /** An administrator approved what the threshold held. */
  isApproved: v.boolean(),
})

export type Progress = v.InferOutput<typeof progressSchema>

/** What was stored by `toJson`; anything else is a bug and throws. */
export const readProgress = (stored: JsonObject): Progress => v.parse(progressSchema, stored)

export const toJson = (progress: Progress): JsonObject => ({
  ...progress,
  recheck: progress.recheck.map((item) => ({ ...item })),
  groups: { ...progress.groups },
})

const linkSchema = v.object({
  link: v.string(),
  /** The same of groups; null where none was bound. */
  groups: v.optional(v.nullable(v.string()), null),
  /** Groups that are to be compared whatever it tells. */
  groupsAgain: v.optional(v.array(v.string()), []),
  select: v.string(),
  mode: v.picklist(['report', 'enforce']),
  takenAt: v.number(),
  /** When everybody was compared last. */
  wholeAt: v.number(),
})

export type DeltaLink = v.InferOutput<typeof linkSchema>

/** The link that a directory keeps; null when it has none. */
export function readLink(stored: JsonObject | null): DeltaLink | null {
  return stored === null ? null : v.parse(linkSchema, stored)
}

const DAY_MS = 24 * 3_600_000
/** Microsoft keeps a delta link for seven days. */
const LINK_LIFE_MS = 6.9 * DAY_MS
/** Everybody is compared weekly at least: what delta does not tell would stay unseen for ever. */
const WHOLE_EVERY_MS = 6 * DAY_MS

export interface Start {
  readonly link: DeltaLink | null
  readonly select: string
  readonly mode: 'report' | 'enforce'
  readonly onDemand: boolean
  readonly now: number
}

/**
 * How a run begins. It follows the stored link, or compares everybody: on demand, weekly, when other properties are selected
 * (a link tells those it was made with), and when drift that was only reported so far is to be put right. Everybody is compared
 * without regard to the link, whose changes may have been told to a run that nothing came of.
 */
export function startProgress({ link, select, mode, onDemand, now }: Start): Progress {
  const usable = link !== null && now - link.takenAt < LINK_LIFE_MS ? link : null
  const isWhole =
    onDemand ||
    usable === null ||
    usable.select !== select ||
    now - usable.wholeAt >= WHOLE_EVERY_MS ||
    (mode === 'enforce' && usable.mode === 'report')
  return {
    phase: 'pages',
    link: isWhole ? null : usable.link,
    isWhole,
    pages: 0,
    recheck: [],
    cursor: '',
    deltaLink: null,
    groups: isWhole ? ALL_GROUPS : groupsSince(usable),
    select,
    attempts: 0,
    restarts: 0,
    asks: false,
    isApproved: false,
  }
}

/** Those of which the link tells a change; without one, all. */
const groupsSince = ({ groups: link, groupsAgain: ids }: DeltaLink): Progress['groups'] =>
  link === null ? ALL_GROUPS : { ...ALL_GROUPS, link, ids }

/** The run after a page: on the next one, or behind the last. */
export function afterPage(
  progress: Progress,
  page: { readonly nextLink: string | null; readonly deltaLink: string | null },
): Progress {
  const next = { ...progress, pages: progress.pages + 1, attempts: 0 }
  if (page.nextLink !== null) return { ...next, link: page.nextLink }
  return { ...next, link: null, deltaLink: page.deltaLink, phase: 'missing' }
}

/** The pages are begun again, with everybody: Graph has forgotten the link, and with it who changed. */
export function withoutLink(progress: Progress): Progress {
  return {
    ...progress,
    link: null,
    isWhole: true,
    pages: 0,
    groups: ALL_GROUPS,
    restarts: progress.restarts + 1,
  }
}
