/**
 * The settings of a directory: one schema for what is stored, what the admin API takes and what the planner obeys.
 * A patch is merged deeply and the whole is validated again, so that no sequence of patches can store a wrong value.
 */
import * as v from 'valibot'
import { isJsonObject, type Json, type JsonObject } from '../kernel/json.ts'
import { err, ok, type Result } from '../kernel/result.ts'

const MAX_GROUP_IDS = 100
const MIN_INTERVAL_MINUTES = 15
/** A delta link of Graph lives for seven days; a longer interval would read the whole tenant each time. */
const MAX_INTERVAL_MINUTES = 7 * 24 * 60

const wholeNumber = (min: number, max: number) =>
  v.pipe(
    v.number(`must be a whole number from ${min} to ${max}`),
    v.integer(`must be a whole number from ${min} to ${max}`),
    v.minValue(min, `must be at least ${min}`),
    v.maxValue(max, `must be at most ${max}`),
  )

const oneOf = <const T extends readonly [string, ...string[]]>(...values: T) =>
  v.picklist(values, `must be one of: ${values.join(', ')}`)

const flag = v.boolean('must be true or false')

const BINDING =
  'groups: the members of groupIds, now and later; whoever leaves the last of them is unbound. Direct members alone: those of a group within the group are bound by naming that one too. Under another mode who is bound stays bound.'

/** Settings as they are stored and shown; an unknown name is refused, since it is a misspelt one. */
export const directorySettingsSchema = v.strictObject({
  upnSource: oneOf('email', 'alternateEmail'),
  blankPolicy: oneOf('ignore', 'clear'),
  onSuspend: oneOf('disable', 'leave'),
  onDelete: oneOf('disable', 'delete', 'leave'),
  onUnbind: oneOf('disable', 'delete', 'leave'),
  onGroupDelete: oneOf('leave', 'delete'),
  bindNewUsers: v.strictObject({
    mode: v.pipe(oneOf('manual', 'groups', 'all'), v.description(BINDING)),
    groupIds: v.pipe(
      v.array(
        v.pipe(
          v.string('must be the id of a group'),
          v.regex(/^grp_/, 'must be the id of a group'),
        ),
      ),
      v.maxLength(MAX_GROUP_IDS, `must name at most ${MAX_GROUP_IDS} groups`),
    ),
  }),
  bindNewGroups: oneOf('manual', 'all'),
  conflict: oneOf('adopt', 'hold'),
  usageLocation: v.nullable(
    v.pipe(
      v.string('must be a two-letter country code, or null'),
      v.toUpperCase(),
      v.regex(/^[A-Z]{2}$/, 'must be a two-letter country code (ISO 3166-1 alpha-2) such as US'),
      v.description(
        'The default for users without one, where usageLocation is exported: given to created accounts, and to others that have none.',
      ),
    ),
  ),
  reconcile: v.strictObject({
    mode: oneOf('report', 'enforce'),
    intervalMinutes: wholeNumber(MIN_INTERVAL_MINUTES, MAX_INTERVAL_MINUTES),
  }),
  threshold: v.nullable(
    v.strictObject({ count: wholeNumber(0, 1_000_000), percent: wholeNumber(0, 100) }),
  ),
  writeQuotaPercent: wholeNumber(1, 100),
  sameTenant: flag,
})

export type DirectorySettings = v.InferOutput<typeof directorySettingsSchema>

/** What a directory has that was created without settings. */
export const defaultSettings: DirectorySettings = {
  upnSource: 'email',
  blankPolicy: 'ignore',
  onSuspend: 'disable',
  onDelete: 'disable',
  onUnbind: 'disable',
  onGroupDelete: 'leave',
  bindNewUsers: { mode: 'manual', groupIds: [] },
  bindNewGroups: 'manual',
  conflict: 'adopt',
  usageLocation: null,
  reconcile: { mode: 'report', intervalMinutes: 60 },
  threshold: { count: 20, percent: 10 },
  writeQuotaPercent: 80,
  sameTenant: false,
}

/** Why a settings value was refused. */
export interface SettingsProblem {
  /** `reconcile.intervalMinutes` */
  readonly field: string
  /** The same as a JSON Pointer: `/reconcile/intervalMinutes` */
  readonly pointer: string
  /** `reconcile.intervalMinutes must be at least 15` */
  readonly message: string
}

/** `current` with what `patch` names replaced, at any depth; lists are replaced whole. */
export function mergeSettings(
  current: DirectorySettings,
  patch: unknown,
): Result<DirectorySettings, readonly SettingsProblem[]> {
  if (!isJsonObject(patch))
    return err([{ field: '', pointer: '', message: 'settings must be a JSON object' }])
  // A threshold that is switched on again by one of its numbers takes the other from the defaults.
  const base = { ...current, threshold: current.threshold ?? defaultSettings.threshold }
  const merged = mergeDeeply(base, patch)
  if (!Object.hasOwn(patch, 'threshold')) merged['threshold'] = current.threshold
  const parsed = v.safeParse(directorySettingsSchema, merged)
  return parsed.success ? ok(parsed.output) : err(parsed.issues.map(problemOf))
}

function mergeDeeply(base: JsonObject, patch: JsonObject): Record<string, Json> {
  const merged: Record<string, Json> = { ...base }
  for (const [name, value] of Object.entries(patch)) {
    const before = Object.hasOwn(base, name) ? base[name] : undefined
    const next = isJsonObject(before) && isJsonObject(value) ? mergeDeeply(before, value) : value
    // Defined, not assigned: a member named `__proto__` must be refused like any unknown name.
    Object.defineProperty(merged, name, { value: next, enumerable: true, writable: true })
  }
  return merged
}

function problemOf(issue: v.BaseIssue<unknown>): SettingsProblem {
  const names = (issue.path ?? []).map((item) => String(item.key))
  const field = names.join('.')
  const reason = issue.type === 'strict_object' ? strictReason(issue) : issue.message
  return { field, pointer: names.map((name) => `/${name}`).join(''), message: `${field} ${reason}` }
}

function strictReason(issue: v.BaseIssue<unknown>): string {
  if (issue.expected !== 'never') return 'must be a JSON object'
  const [outer, ...inner] = (issue.path ?? []).map(({ key }) => String(key))
  const known = inner.length === 0 ? directorySettingsSchema.entries : membersOf(outer)
  return `is no setting; there are: ${Object.keys(known).join(', ')}`
}

/** The members of the settings that are objects. */
function membersOf(setting = ''): object {
  const { bindNewUsers, reconcile, threshold } = directorySettingsSchema.entries
  const objects = new Map([
    ['bindNewUsers', bindNewUsers.entries],
    ['reconcile', reconcile.entries],
    ['threshold', threshold.wrapped.entries],
  ] as readonly (readonly [string, object])[])
  return objects.get(setting) ?? {}
}
