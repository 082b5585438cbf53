/** A page of the members of a group (https://learn.microsoft.com/graph/api/group-list-members). Pure. */
import { isJsonArray, isJsonObject, type Json } from '../kernel/json.ts'

export interface MemberPage {
  readonly ids: readonly string[]
  /** Null on the last page. */
  readonly nextLink: string | null
}

/** Reads a page; undefined when it is none. */
export function readMemberPage(body: Json | undefined): MemberPage | undefined {
  if (!isJsonObject(body) || !isJsonArray(body['value'])) return undefined
  const ids = body['value'].map((item) => (isJsonObject(item) ? item['id'] : undefined))
  const link = body['@odata.nextLink']
  return {
    ids: ids.filter((id) => typeof id === 'string'),
    nextLink: typeof link === 'string' && link !== '' ? link : null,
  }
}
