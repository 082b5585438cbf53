/** The bodies of commands: which resources, or which bindings, they are about. */
import * as v from 'valibot'

import { resourceOfBinding } from '../db/binding-store.ts'
import { MAX_TOUCHED } from '../db/event-log.ts'
import { invalidField, type Problem } from '../http/problem.ts'
import { err, ok, type Result } from '../kernel/result.ts'

const COUNT = `must name 1 to ${MAX_TOUCHED} ids; for more, send several requests, or {"all":true}`

const idsOf = (prefix: 'usr' | 'grp' | 'bnd', what: string) => {
  const rule = `must be the id of a ${what} (${prefix}_…)`
  const id = v.pipe(v.string(rule), v.regex(new RegExp(`^${prefix}_[\\x21-\\x7e]{1,100}$`), rule))
  return v.pipe(v.array(id, COUNT), v.minLength(1, COUNT), v.maxLength(MAX_TOUCHED, COUNT))
}

const all = v.literal(true, 'must be true, or left out')
const SEQUENCE = 'must be the sequence that a preview told'
export const atSequence = v.optional(
  v.pipe(
    v.number(SEQUENCE),
    v.integer(SEQUENCE),
    v.minValue(0, SEQUENCE),
    v.description('The sequence that a preview told: 409 when a previewed user has changed since.'),
  ),
)

const userIds = v.optional(idsOf('usr', 'user'))
const groupIds = v.optional(idsOf('grp', 'group'))

/** Which users and groups: some, or all. */
export const resourcesBody = v.strictObject({ userIds, groupIds, all: v.optional(all), atSequence })

/** Which users: some; or everything that is bound. Without a body: everything. */
export const exportsBody = v.strictObject({ userIds, all: v.optional(all) })

/** Which bindings: some, or all of the list that the command belongs to. */
export const bindingsBody = v.strictObject({
  bindingIds: v.optional(idsOf('bnd', 'binding')),
  all: v.optional(all),
})

/** Ids of resources; undefined for all. */
type Chosen = Result<readonly string[] | undefined, Problem>

/** The resources that a body names. Problems: invalid, when it names none, too many, or all beside some. */
export function chosenResources(
  body: Omit<v.InferOutput<typeof resourcesBody>, 'atSequence'>,
): Chosen {
  const ids = [...new Set([...(body.userIds ?? []), ...(body.groupIds ?? [])])]
  if (ids.length > MAX_TOUCHED) return err(invalidField('', COUNT))
  return chosen(ids, body.all, '{"userIds":[…]}, {"groupIds":[…]} or {"all":true}')
}

/** The resources whose bindings a body names. Problems: invalid, notFound (a binding of another directory). */
export function chosenBindings(
  directoryId: string,
  body: v.InferOutput<typeof bindingsBody>,
): Chosen {
  const ids: string[] = []
  for (const id of body.bindingIds ?? []) {
    const resource = resourceOfBinding(directoryId, id)
    if (resource === undefined)
      return err({ kind: 'notFound', what: `Binding ${id} of this directory` })
    ids.push(resource)
  }
  return chosen([...new Set(ids)], body.all, '{"bindingIds":[…]} or {"all":true}')
}

function chosen(ids: readonly string[], isAll: true | undefined, forms: string): Chosen {
  if (ids.length > 0 === (isAll === true)) return err(invalidField('', `must be one of ${forms}`))
  return ok(ids.length > 0 ? ids : undefined)
}
