import * as v from 'valibot'

/** Reads what a test or a control request sets; throws a RangeError that names the place and what would be accepted. */
export function readSettings<Schema extends v.GenericSchema>(
  schema: Schema,
  given: unknown,
): v.InferOutput<Schema> {
  const read = v.safeParse(schema, given)
  if (read.success) return read.output
  const found = read.issues.map((issue) => `${v.getDotPath(issue) ?? 'settings'}: ${issue.message}`)
  throw new RangeError(found.join('; '))
}
