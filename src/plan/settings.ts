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

const described = <const S extends v.GenericSchema>(schema: S, text: string) =>
  v.pipe(schema, v.description(text))

const THRESHOLD =
  'How many accounts may be disabled or deleted in one hour, whatever caused it: the larger of `count` and `percent` of the bound users. More are `held` until somebody approves or rejects them; what is approved so does not count. null switches it off.'

/** Settings as they are stored and shown; an unknown name is refused, since it is a misspelt one. */
export const directorySettingsSchema = v.strictObject({
  upnSource: described(
    oneOf('email', 'alternateEmail'),
    'Which address of a user becomes the sign-in name (`userPrincipalName`): one that the directory does not import. Default: `email`.',
  ),
  blankPolicy: described(
    oneOf('ignore', 'clear'),
    'What a blank here does to a value in Microsoft 365 that we never exported. A value that we exported and that is removed here is cleared under both. Default: `ignore`.',
  ),
  onSuspend: described(
    oneOf('disable', 'leave'),
    'What becomes of the account of a suspended user: `disable` also ends its sessions. Default: `disable`.',
  ),
  onDelete: described(
    oneOf('disable', 'delete', 'leave'),
    'What becomes of the account of a deleted user. Default: `disable`.',
  ),
  onUnbind: described(
    oneOf('disable', 'delete', 'leave'),
    'What becomes of the account of a user that is unbound. Default: `disable`.',
  ),
  onGroupDelete: described(
    oneOf('leave', 'delete'),
    'What becomes of the group in Microsoft 365 when it is deleted or unbound here. Default: `leave`.',
  ),
  bindNewUsers: v.strictObject({
    mode: described(
      oneOf('manual', 'groups', 'all'),
      'Who is bound by itself, and so exported. `manual`: nobody; `all`: every user that is made from now on; `groups`: the members of `groupIds`, now and later; whoever leaves the last of them is unbound. Direct members alone: those of a group within the group are bound by naming that one too. Under another mode who is bound stays bound. Default: `manual`.',
    ),
    groupIds: described(
      v.pipe(
        v.array(
          v.pipe(
            v.string('must be the id of a group'),
            v.regex(/^grp_/, 'must be the id of a group'),
          ),
        ),
        v.maxLength(MAX_GROUP_IDS, `must name at most ${MAX_GROUP_IDS} groups`),
      ),
      'The groups of the mode `groups`, which does not begin without one. Taking the last one away unbinds its members.',
    ),
  }),
  bindNewGroups: described(
    oneOf('manual', 'all'),
    'Whether every group that is made from now on is bound by itself. Default: `manual`.',
  ),
  conflict: described(
    oneOf('adopt', 'hold'),
    'An account in Microsoft 365 that has the sign-in name of a new user. `adopt` takes it over when exactly one matches that is no guest, not synchronized from on premises, not privileged and not bound already, and holds the user otherwise; `hold` always holds. Default: `adopt`.',
  ),
  usageLocation: described(
    v.nullable(
      v.pipe(
        v.string('must be a two-letter country code, or null'),
        v.toUpperCase(),
        v.regex(/^[A-Z]{2}$/, 'must be a two-letter country code (ISO 3166-1 alpha-2) such as US'),
      ),
    ),
    'The usage location of users who have none of their own, where the attribute `usageLocation` is `export`: given to created accounts, and to others that have none. Licenses ask for it. Default: `null`, none.',
  ),
  reconcile: v.strictObject({
    mode: described(
      oneOf('report', 'enforce'),
      'What a scheduled reconciliation does about drift: `report` lists it, `enforce` puts exported values back. Default: `report`.',
    ),
    intervalMinutes: described(
      wholeNumber(MIN_INTERVAL_MINUTES, MAX_INTERVAL_MINUTES),
      'How often Microsoft 365 is compared, and imported values are fetched. Default: `60`.',
    ),
  }),
  threshold: described(
    v.nullable(
      v.strictObject({
        count: described(
          wholeNumber(0, 1_000_000),
          'So many in one hour are let through. Default: `20`.',
        ),
        percent: described(
          wholeNumber(0, 100),
          'And so many percent of the bound users. Default: `10`.',
        ),
      }),
    ),
    THRESHOLD,
  ),
  writeQuotaPercent: described(
    wholeNumber(1, 100),
    'How much of the write quota that Microsoft publishes this directory may use. Default: `80`.',
  ),
  sameTenant: described(
    flag,
    'Allows a source of the same tenant, though the two integrations may chase each other\u2019s changes. Default: `false`.',
  ),
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
  if (!parsed.success) return err(parsed.issues.map(problemOf))
  return bindsNobody(parsed.output, current) ? err([NO_GROUP]) : ok(parsed.output)
}

/** In the mode `groups` the last group may be taken away, whose members are unbound by that; it does not begin without one. */
const bindsNobody = ({ bindNewUsers }: DirectorySettings, before: DirectorySettings): boolean =>
  bindNewUsers.mode === 'groups' &&
  bindNewUsers.groupIds.length === 0 &&
  before.bindNewUsers.mode !== 'groups'

const NO_GROUP: SettingsProblem = {
  field: 'bindNewUsers.groupIds',
  pointer: '/bindNewUsers/groupIds',
  message: `bindNewUsers.groupIds must name 1 to ${MAX_GROUP_IDS} groups (grp_…) when the mode becomes "groups"; for nobody the mode is "manual"`,
}

/** A copy of `base` with what `patch` names replaced, at any depth; lists are replaced whole. */
export function mergeDeeply(base: JsonObject, patch: JsonObject): Record<string, Json> {
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
