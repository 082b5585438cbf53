/** What an import takes and shows, as the OpenAPI document describes it. */
import * as v from 'valibot'

import { importBody } from './import.ts'

const remarkShape = v.strictObject({
  code: v.string(),
  message: v.string(),
  whatToDo: v.string(),
})

/** An account that may be imported, and why it cannot be. */
export const candidateShape = v.strictObject({
  graphId: v.string(),
  userPrincipalName: v.string(),
  displayName: v.nullable(v.string()),
  firstname: v.nullable(v.string()),
  lastname: v.nullable(v.string()),
  username: v.string(),
  accountEnabled: v.boolean(),
  importable: v.boolean(),
  reason: v.pipe(v.nullable(remarkShape), v.description('Why it cannot be imported.')),
  notice: v.pipe(
    v.nullable(remarkShape),
    v.description('What to know before it is imported: that it was the account of a former user.'),
  ),
})

const { graphIds, all, bind } = importBody.entries

/** Some accounts or all of them, never both. */
export const importForms = v.union([
  v.strictObject({ graphIds: graphIds.wrapped, bind }),
  v.strictObject({ all: all.wrapped, bind }),
])
