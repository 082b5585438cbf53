import type { StoreFault } from '../db/mutation.ts'
import type { ListQuery, Page } from '../db/search.ts'
import type { Json, JsonObject } from '../kernel/json.ts'
import { err, type Result } from '../kernel/result.ts'
import type { ResourceType } from '../scim/attributes.ts'
import { etag } from '../scim/etag.ts'
import type { ScimFault } from '../scim/fault.ts'
import type { Projection } from '../scim/project.ts'
import type { Scope } from './scope.ts'

/** A resource as it is shown, before a projection takes from it. */
export interface Shown {
  readonly resource: JsonObject
  /** The entity tag, which is `meta.version` too. */
  readonly tag: string
  readonly location: string
}

export type Outcome<T> = Promise<Result<T, ScimFault>>

/** One try to read, decide and write; `stale` when another writer was faster. */
export type Round<T> = Promise<Result<T, StoreFault | ScimFault>>

/** What the routes ask of a resource type; users and groups have one each. */
export interface ResourceService {
  readonly type: ResourceType
  create(scope: Scope, body: Json): Outcome<Shown>
  read(scope: Scope, id: string, projection: Projection): Outcome<Shown>
  /** A page of resources as they are shown; what the projection leaves out need not be in them. */
  list(scope: Scope, query: ListQuery, projection: Projection): Promise<Page<JsonObject>>
  replace(scope: Scope, id: string, body: Json): Outcome<Shown>
  /** `projection` says what of the answer will be shown, undefined that nothing will: what nobody sees is not read. */
  patch(scope: Scope, id: string, body: Json, projection: Projection | undefined): Outcome<Shown>
  remove(scope: Scope, id: string): Outcome<undefined>
}

/** As many writers of one resource at once are served, each round letting one through; two round trips each. */
const MAX_ROUNDS = 16
const RETRY_AFTER_SECONDS = 1

/**
 * Reads, decides and writes, again from the start when another writer was faster, so that no update is lost; sixteen
 * times, then 503. A request with If-Match ends at 412 when the row it reads again has another version.
 */
export async function untilWritten<T>(
  { pause }: Pick<Scope, 'pause'>,
  round: () => Round<T>,
): Outcome<T> {
  for (let rounds = 1; rounds <= MAX_ROUNDS; rounds++) {
    const outcome = await round()
    if (outcome.ok) return outcome
    const fault = outcome.error
    if (fault.kind !== 'stale') return err(fault)
    if (rounds < MAX_ROUNDS) await pause(rounds)
  }
  return err({ kind: 'busy', retryAfterSeconds: RETRY_AFTER_SECONDS })
}

/** D1 keeps 2 MB in a row; what is beside the document is small. */
const MAX_DOCUMENT_BYTES = 1_500_000

/** The fault for a document that has grown too large to be kept, as PATCH after PATCH may make it. */
export function sizeFault(resource: JsonObject, type: ResourceType): ScimFault | undefined {
  const { byteLength } = new TextEncoder().encode(JSON.stringify(resource))
  if (byteLength <= MAX_DOCUMENT_BYTES) return undefined
  const reason = `at most ${MAX_DOCUMENT_BYTES} bytes of attributes are kept, and these are ${byteLength}`
  return { kind: 'invalidValue', attribute: `this ${type.name}`, reason }
}

/** The fault for a resource that this organization does not have. */
export function notFound(type: ResourceType, id: string): ScimFault {
  return { kind: 'notFound', what: `${type.name} ${id.slice(0, 100)}` }
}

/** The fault for a version that the request's If-Match or If-None-Match does not want. */
export function versionMismatch(version: number): ScimFault {
  return { kind: 'versionMismatch', current: etag(version) }
}
