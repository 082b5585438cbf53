import { type Json, type JsonObject, isJsonArray } from '../../../src/kernel/json.ts'
import type { DirectoryObject, Relation } from '../changes.ts'
import { addressErrors, linkErrors } from '../errors.ts'
import { parsePath } from '../path.ts'
import type { Directory } from '../directory.ts'

/** How many links one request may add, of all relations together. */
const MOST_LINK_CHANGES = 20

export type BoundLinks = Readonly<Partial<Record<Relation, readonly string[]>>>

/** The object that `{"@odata.id": "…"}` names. */
export function referencedBy(
  directory: Directory,
  body: JsonObject,
  origin: string,
): DirectoryObject {
  const id = referenceId(body['@odata.id'], origin)
  const object = directory.liveById(id)
  if (!object) throw addressErrors.notFound(id)
  return object
}

/** A group that the replica does not know yet takes no links. */
export function checkKnown(directory: Directory, group: DirectoryObject): void {
  if (!directory.liveById(group.id)) throw linkErrors.missingTarget()
}

/** The ids in `members@odata.bind` and `owners@odata.bind`: all of them fit, or none is taken. */
export function boundLinks(directory: Directory, body: JsonObject, origin: string): BoundLinks {
  const members = bindList(body, 'members', origin)
  const owners = bindList(body, 'owners', origin)
  if (members.length + owners.length > MOST_LINK_CHANGES) throw linkErrors.tooMany()
  for (const id of [...members, ...owners])
    if (!directory.liveById(id)) throw linkErrors.missingTarget()
  return { members, owners }
}

function bindList(body: JsonObject, relation: Relation, origin: string): string[] {
  const references = body[`${relation}@odata.bind`] ?? []
  if (!isJsonArray(references)) throw linkErrors.badReference()
  return references.map((reference) => referenceId(reference, origin))
}

/** The id in an absolute Graph address such as `https://graph.microsoft.com/v1.0/users/{id}`. */
function referenceId(reference: Json | undefined, origin: string): string {
  if (typeof reference !== 'string') throw linkErrors.badReference()
  const url = URL.parse(reference)
  if (!url || (url.origin !== origin && url.origin !== 'https://graph.microsoft.com'))
    throw linkErrors.badReference()
  const [version, collection, id, ...rest] = parsePath(url.pathname) ?? []
  const isObject = ['users', 'groups', 'directoryObjects'].includes(collection?.text ?? '')
  if (version?.text !== 'v1.0' || !isObject || !id || rest.length > 0)
    throw linkErrors.badReference()
  return id.text.toLowerCase()
}
