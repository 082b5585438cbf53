/**
 * What a client sends back as it was shown (RFC 7644 section 3.5.1: a replacement begins with a GET) says nothing of its own: an imported
 * value in it stays Microsoft 365's.
 */
import {
  isJsonArray,
  isJsonObject,
  type Json,
  jsonEquals,
  type JsonObject,
} from '../kernel/json.ts'
import { withSchemas } from '../scim/document.ts'
import { USER } from '../scim/resource-types.ts'
import { withImportedValues } from './imported-document.ts'

/** The user as it was before: the document that the client sent then, and what is imported beside it. */
export interface BeforeSent {
  readonly resource: JsonObject
  readonly imported: JsonObject | null
}

/** The document that a client sends, without the imported values that it was shown. */
export function withoutShown(sent: JsonObject, { resource, imported }: BeforeSent): JsonObject {
  const shown = withImportedValues(resource, imported)
  return shown === resource ? sent : withSchemas(ownMembers(sent, shown, resource), USER)
}

function ownMembers(sent: JsonObject, shown: JsonObject, own: JsonObject): JsonObject {
  const members = Object.entries(sent).map(([name, value]): [string, Json | undefined] => [
    name,
    ownValue(value, shown[name], own[name]),
  ])
  return Object.fromEntries(members.filter(isThere))
}

/** Of what was shown the client's own, of everything else what it sends; undefined where nothing is left. */
function ownValue(sent: Json, shown: Json | undefined, own: Json | undefined): Json | undefined {
  if (shown === undefined || jsonEquals(shown, own)) return sent
  if (jsonEquals(sent, shown)) return own
  if (isJsonArray(sent) && isJsonArray(shown)) return filled(ownElements(sent, shown, own))
  if (!isJsonObject(sent) || !isJsonObject(shown)) return sent
  return filled(ownMembers(sent, shown, isJsonObject(own) ? own : {}))
}

/** Imported elements stand behind the client's own, or in their places; one that was changed is known by its type. */
function ownElements(sent: readonly Json[], shown: readonly Json[], own: Json | undefined): Json[] {
  const owned = isJsonArray(own) ? own : []
  const places = sent.map((element) => shown.findIndex((each) => jsonEquals(each, element)))
  return sent.flatMap((element, at) => {
    const place = places[at] ?? -1
    if (place >= 0) return owned.slice(place, place + 1)
    const changed = shown.findIndex((each, i) => !places.includes(i) && isOfType(each, element))
    return [ownElement(element, shown[changed], owned[changed])]
  })
}

const isOfType = (shown: Json, sent: Json): boolean =>
  isJsonObject(shown) && isJsonObject(sent) && jsonEquals(shown['type'], sent['type'])

/** An element that was imported whole, and is sent otherwise, is the client's. */
const ownElement = (sent: Json, shown: Json | undefined, own: Json | undefined): Json =>
  isJsonObject(sent) && isJsonObject(shown) && isJsonObject(own)
    ? ownMembers(sent, shown, own)
    : sent

const filled = <Value extends Json>(value: Value): Value | undefined =>
  Object.keys(value ?? {}).length === 0 ? undefined : value

const isThere = (member: [string, Json | undefined]): member is [string, Json] =>
  member[1] !== undefined
