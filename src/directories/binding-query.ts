/** What a list of bindings can be filtered by. */
import * as v from 'valibot'

import { BINDING_STATES } from '../db/binding-store.ts'
import { pageParameters, wordField } from '../http/parse-request.ts'

const state = v.pipe(
  v.string(),
  v.description(
    `One or several of ${BINDING_STATES.join(', ')}, with commas; without it, all but former.`,
  ),
)

/** The query of `GET /directories/:id/bindings`. */
export const bindingsQuery = v.object({
  ...pageParameters,
  state: v.optional(state),
  kind: v.optional(wordField(['user', 'group'])),
})
