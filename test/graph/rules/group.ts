import { type Json, type JsonObject, jsonEquals } from '../../../src/kernel/json.ts'
import { isDynamic, isSynced, isUnified } from '../access.ts'
import type { DirectoryObject } from '../changes.ts'
import { accessErrors, valueErrors } from '../errors.ts'
import { propertyOf } from '../schema.ts'
import type { Tenant } from '../tenant.ts'
import { checkProperties, checkRequired, objectBody, propertiesIn } from './property.ts'
import { checkUnique } from './unique.ts'

/** Judges the properties of a group's create; binds are judged with the links. */
export function checkNewGroup(tenant: Tenant, body: Json | undefined): JsonObject {
  const values = propertiesIn(objectBody(body))
  checkRequired('group', values)
  checkProperties(tenant, 'group', values)
  const isMailGroup = JSON.stringify(values['groupTypes'] ?? []).includes('Unified')
  if (values['mailEnabled'] === true && !isMailGroup) throw valueErrors.mailEnabledGroup()
  checkUnique(tenant, values)
  return values
}

/** Judges the properties of a group's update. */
export function checkGroupUpdate(
  tenant: Tenant,
  group: DirectoryObject,
  body: Json | undefined,
): JsonObject {
  const values = propertiesIn(objectBody(body))
  checkProperties(tenant, 'group', values)
  if (isSynced(group) && Object.keys(values).length > 0) throw valueErrors.synced()
  for (const [name, value] of Object.entries(values)) checkImmutable(group, name, value)
  checkUnique(tenant, values, group.id)
  return values
}

function checkImmutable(group: DirectoryObject, name: string, value: Json): void {
  const facts = propertyOf('group', name)
  const before = group.properties[name] ?? null
  if (jsonEquals(before, value)) return
  if (facts?.immutable || (facts?.setOnce && before !== null)) throw valueErrors.readOnly(name)
}

/** Throws for groups whose members are none of Graph's business. */
export function checkMembershipWritable(group: DirectoryObject): void {
  if (isSynced(group)) throw valueErrors.synced()
  if (isDynamic(group)) throw accessErrors.denied()
  if (group.properties['mailEnabled'] === true && !isUnified(group)) throw accessErrors.denied()
}
