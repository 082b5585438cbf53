/** What a list of bindings can be filtered by. */
import * as v from 'valibot'

import { BINDING_STATES } from '../db/binding-store.ts'
import { pageParameters, wordField, wordsParameter } from '../http/parse-request.ts'

const state = wordsParameter(BINDING_STATES, 'Without it, all but former')

/** The query of `GET /directories/:id/bindings`. */
export const bindingsQuery = v.object({
  ...pageParameters,
  state: v.optional(state),
  kind: v.optional(wordField(['user', 'group'])),
})
