import { noteQuirks } from '../http/context.ts'
import { readBody } from '../http/read-body.ts'
import type { Json } from '../kernel/json.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { ScimFault } from '../scim/fault.ts'
import type { ScimContext } from './scope.ts'

/** The JSON that a request carries; an odd content type is counted (Q22). */
export async function bodyOf(c: ScimContext): Promise<Result<Json, ScimFault>> {
  const body = await readBody(c.req.raw)
  if (!body.ok) return body
  if (body.value.isOddlyTyped) noteQuirks(c, [22])
  return ok(body.value.value)
}
