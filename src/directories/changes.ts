/** What the event of a directory tells of: fields and settings before and after, never a secret. Pure. */
import type { ShownDirectory } from '../db/directory-store.ts'
import type { Change } from '../db/event-log.ts'
import { isJsonObject, type Json, jsonEquals, type JsonObject } from '../kernel/json.ts'
import { defaultSettings } from '../plan/settings.ts'

type Row = Omit<ShownDirectory, 'settings'> & { readonly settings: JsonObject }

const FIELDS = ['name', 'tenantId', 'clientId', 'state', 'credentialExpiresAt'] as const

/** The changes from `before` (undefined: the directory is new, settings count from their defaults) to `after`. */
export function changesBetween(
  before: Row | undefined,
  after: Row,
  hasNewCredential: boolean,
): Change[] {
  const fields = FIELDS.flatMap((attribute): Change[] => {
    const from = before?.[attribute] ?? null
    const to = after[attribute]
    return from === to ? [] : [{ attribute, from, to }]
  })
  const to = after.credentialType
  const credential = { attribute: 'credential', from: before?.credentialType ?? to, to }
  const settings = differences(
    'settings',
    before?.settings ?? { ...defaultSettings },
    after.settings,
  )
  return [...fields, ...(hasNewCredential ? [credential] : []), ...settings]
}

function differences(path: string, before: Json, after: Json): Change[] {
  if (jsonEquals(before, after)) return []
  if (!isJsonObject(before) || !isJsonObject(after))
    return [{ attribute: path, from: before, to: after }]
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...names].flatMap((name) =>
    differences(`${path}.${name}`, before[name] ?? null, after[name] ?? null),
  )
}

/** Settings after whose change bound users may owe something at once. */
const DESIRED_STATE = [
  'upnSource',
  'blankPolicy',
  'onSuspend',
  'usageLocation',
  'bindNewUsers',
  'bindNewGroups',
]

/** Whether a change is one that the drain has to follow. */
export const concernsExport = ({ attribute }: Change): boolean =>
  DESIRED_STATE.some((name) => `${attribute}.`.startsWith(`settings.${name}.`))
