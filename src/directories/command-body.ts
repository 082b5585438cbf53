/** The bodies of commands: which resources, or which bindings, they are about. */
import * as v from 'valibot'

import { resourceOfBinding } from '../db/binding-store.ts'
import { MAX_TOUCHED } from '../db/event-log.ts'
import { formsField } from '../http/parse-request.ts'
import { invalidField, type Problem } from '../http/problem.ts'
import { err, ok, type Result } from '../kernel/result.ts'

const COUNT = `must name 1 to ${MAX_TOUCHED} ids; for more, send several requests, or {"all":true}`

const idsOf = (prefix: 'usr' | 'grp' | 'bnd', what: string) => {
  const rule = `must be the id of a ${what} (${prefix}_…)`
  const id = v.pipe(v.string(rule), v.regex(new RegExp(`^${prefix}_[\\x21-\\x7e]{1,100}$`), rule))
  return v.pipe(v.array(id, COUNT), v.minLength(1, COUNT), v.maxLength(MAX_TOUCHED, COUNT))
}

const all = v.literal(true, 'must be true')
const SEQUENCE = 'must be the sequence that a preview told'
export const atSequence = v.optional(
  v.pipe(
    v.number(SEQUENCE),
    v.integer(SEQUENCE),
    v.minValue(0, SEQUENCE),
    v.description('The sequence that a preview told: 409 when a previewed user has changed since.'),
  ),
)

/** The problem of a sequence that no preview can have told, since the log ends at `head`. */
export const beyondLog = (sequence: number, head: number): Problem =>
  invalidField('/atSequence', `is ${sequence}, which no preview told yet: at most ${head}`)

const userIds = idsOf('usr', 'user')
const groupIds = idsOf('grp', 'group')

/** Which users and groups: some, or all. */
export const resourcesBody = formsField(
  [
    v.strictObject({ userIds, groupIds: v.optional(groupIds), atSequence }),
    v.strictObject({ groupIds, atSequence }),
    v.strictObject({ all, atSequence }),
  ],
  'must be one of {"userIds":[…]}, {"groupIds":[…]} or {"all":true}',
)

/** Which users: some; or everything that is bound, which an empty body means too. */
export const exportsBody = formsField(
  [v.strictObject({ userIds }), v.strictObject({ all }), v.strictObject({})],
  'must be one of {"userIds":[…]} or {"all":true}',
)

/** Which bindings: some, or all of the list that the command belongs to. */
export const bindingsBody = formsField(
  [v.strictObject({ bindingIds: idsOf('bnd', 'binding') }), v.strictObject({ all })],
  'must be one of {"bindingIds":[…]} or {"all":true}',
)

/** Ids of resources; undefined for all. */
type Chosen = Result<readonly string[] | undefined, Problem>

interface NamedResources {
  readonly userIds?: readonly string[]
  readonly groupIds?: readonly string[] | undefined
  readonly all?: true
}

/** The resources that a body names. Problem: invalid, when they are too many. */
export function chosenResources({ userIds, groupIds }: NamedResources): Chosen {
  if (userIds === undefined && groupIds === undefined) return ok(undefined)
  const ids = [...new Set([...(userIds ?? []), ...(groupIds ?? [])])]
  return ids.length > MAX_TOUCHED ? err(invalidField('', COUNT)) : ok(ids)
}

/** The resources whose bindings a body names. Problem: notFound (a binding of another directory). */
export function chosenBindings(
  directoryId: string,
  body: v.InferOutput<typeof bindingsBody>,
): Chosen {
  if ('all' in body) return ok(undefined)
  const ids = new Set<string>()
  for (const id of body.bindingIds) {
    const resource = resourceOfBinding(directoryId, id)
    if (resource === undefined)
      return err({ kind: 'notFound', what: `Binding ${id} of this directory` })
    ids.add(resource)
  }
  return ok([...ids])
}
