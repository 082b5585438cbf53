/**
 * What each route of the admin API takes and gives, as data: the schemas that its handlers validate with are the ones that
 * the OpenAPI document, the reference page and the tests read. A new route is a row in access.ts and one in its room's api.ts.
 */
import * as v from 'valibot'

import type { API_ROUTES } from './access.ts'

/** A row of the table in access.ts: `GET /sources/:id`. */
export type ApiRoute = keyof typeof API_ROUTES

export interface RouteDescription {
  /** One line, without a full stop. */
  readonly summary: string
  /** What the summary leaves open: sentences. */
  readonly details?: string
  /** What handlers give to `parseQuery`. */
  readonly query?: v.ObjectSchema<v.ObjectEntries, undefined>
  /** What handlers give to `parseBody`. */
  readonly body?: v.GenericSchema
  /** Whether the route goes without a body too. */
  readonly isBodyOptional?: true
  /** The JSON of a success. A route without one (and without `media`) answers 204. */
  readonly answer?: v.GenericSchema
  /** Of a success that is no JSON. */
  readonly media?: readonly string[]
  /** The status of a success that is neither 200 nor 204. */
  readonly status?: 201 | 202
  /** What a body may name that does not exist, which is answered 404: a sentence. */
  readonly missing?: string
  /** What the route answers 409 to: a sentence. */
  readonly conflict?: string
}

/** The routes of one room, and the shapes of their answers by the names under which the document shows them. */
export interface ApiRoom {
  readonly routes: Readonly<Partial<Record<ApiRoute, RouteDescription>>>
  readonly shapes: Readonly<Record<string, v.GenericSchema>>
}

/** A page of a list (contract section 5). */
export const listOf = <T extends v.GenericSchema>(item: T) =>
  v.strictObject({
    items: v.array(item),
    nextCursor: v.pipe(
      v.nullable(v.string()),
      v.description('The cursor of the next page; null on the last one.'),
    ),
  })

/** A time in an answer (RFC 3339, in UTC). */
export const timeShape = v.pipe(v.string(), v.isoTimestamp())

/** Any JSON object: for what has no fixed members. */
export const objectShape = v.record(v.string(), v.unknown())
