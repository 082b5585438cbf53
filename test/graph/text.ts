import type { Json } from '../../src/kernel/json.ts'

/** The text that a JSON value is; anything else becomes the JSON of it, so that no comparison mistakes it for a text. */
export const textFrom = (value: Json | undefined): string =>
  typeof value === 'string' ? value : JSON.stringify(value ?? null)
