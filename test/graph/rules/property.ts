import { type JsonObject, type Json, isJsonObject } from '../../../src/kernel/json.ts'
import { accessErrors, payloadErrors, valueErrors } from '../errors.ts'
import { type Kind, propertiesOf, propertyOf } from '../schema.ts'
import type { Tenant } from '../tenant.ts'
import { checkValue } from './value.ts'

/** A body that is a JSON object. */
export function objectBody(body: Json | undefined): JsonObject {
  if (body === undefined) throw payloadErrors.empty()
  if (!isJsonObject(body)) throw payloadErrors.notJson()
  return body
}

/** The properties of a body without its OData annotations, which are no properties. */
export function propertiesIn(body: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(body).filter(([name]) => !name.includes('@odata.')))
}

/** Throws unless every property exists, may be written by an application, and has a fitting value. */
export function checkProperties(tenant: Tenant, kind: Kind, values: JsonObject): void {
  for (const name of Object.keys(values)) checkWritable(tenant, kind, name)
  for (const [name, value] of Object.entries(values)) {
    const facts = propertyOf(kind, name) ?? { type: 'Edm.String', maxLength: 256 }
    checkValue(kind, name, facts, value)
  }
}

function checkWritable(tenant: Tenant, kind: Kind, name: string): void {
  const facts = propertyOf(kind, name)
  if (!facts && tenant.settings.extensionProperties?.includes(name)) return
  if (!facts || facts.navigation) throw valueErrors.unknownProperty()
  if (facts.readOnly) throw valueErrors.readOnly(name)
  if (facts.appOnlyWritable === false) throw accessErrors.denied()
}

/** Throws when a create lacks a property. */
export function checkRequired(kind: Kind, values: JsonObject): void {
  for (const [name, facts] of propertiesOf(kind))
    if (facts.required && (values[name] ?? null) === null) throw valueErrors.required(kind, name)
}
