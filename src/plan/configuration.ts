/** What is stored of a directory's configuration, as the planner takes it. */
import * as v from 'valibot'

import type { JsonObject } from '../kernel/json.ts'
import {
  type AttributeName,
  type ChosenDirection,
  type Directions,
  isAttributeName,
} from './attributes.ts'
import { type DirectorySettings, directorySettingsSchema } from './settings.ts'

/** Settings were validated when they were stored; others are a bug. */
export const readSettings = (stored: JsonObject): DirectorySettings =>
  v.parse(directorySettingsSchema, stored)

/** The directions that were chosen; an attribute without a row has its default. */
export function readDirections(
  rows: readonly (ChosenDirection & { readonly attribute: string })[],
): Directions {
  const chosen = new Map<AttributeName, ChosenDirection>()
  for (const { attribute, ...direction } of rows)
    if (isAttributeName(attribute)) chosen.set(attribute, direction)
  return chosen
}
