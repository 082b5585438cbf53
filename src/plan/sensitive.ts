/**
 * What an application without a directory role may not change of a privileged account: Graph refuses the whole PATCH for one
 * such property, so the rest is sent without them (https://learn.microsoft.com/graph/api/resources/users#who-can-perform-sensitive-actions).
 */
import type { Json } from '../kernel/json.ts'
import { attributeNamed, isAttributeName } from './attributes.ts'
import type { PlannedWrite } from './planned.ts'
import { updateUser } from './requests.ts'
import type { Snapshot } from './snapshot.ts'

const SENSITIVE_PROPERTIES: ReadonlySet<string> = new Set([
  'accountEnabled',
  'businessPhones',
  'mobilePhone',
  'onPremisesImmutableId',
  'otherMails',
  'passwordProfile',
  'userPrincipalName',
])

/** Whether a property of Graph is a sensitive one. */
export const isSensitiveProperty = (name: string): boolean => SENSITIVE_PROPERTIES.has(name)

/** Whether an attribute, by its API name, is written to a sensitive property. */
export const isSensitive = (name: string): boolean =>
  isSensitiveProperty(isAttributeName(name) ? attributeNamed(name).graph : name)

/** Whether Graph refuses a write to a privileged account. */
export const isSensitiveWrite = ({ purpose, attributes }: PlannedWrite): boolean =>
  purpose === 'password' || (purpose === 'update' && attributes.some(isSensitive))

/** What a write sets that is sensitive. */
export const sensitiveOf = (write: PlannedWrite): PlannedWrite => ({
  ...write,
  attributes: write.attributes.filter(isSensitive),
  sets: Object.fromEntries(Object.entries(write.sets).filter(([name]) => isSensitive(name))),
})

/** What is left of a PATCH without its sensitive properties; undefined when it has no other. */
export function withoutSensitive(write: PlannedWrite): PlannedWrite | undefined {
  const attributes = write.attributes.filter((name) => !isSensitive(name))
  if (attributes.length === 0) return undefined
  const sets: Snapshot = Object.fromEntries(
    Object.entries(write.sets).filter(([name]) => !isSensitive(name)),
  )
  const request: PlannedWrite['request'] = (graphId) => {
    const body = Object.entries(write.request(graphId).body ?? {})
    const rest = body.filter(([name]) => !isSensitiveProperty(name))
    return updateUser(graphId, Object.fromEntries<Json>(rest))
  }
  return { ...write, request, sets, attributes }
}
