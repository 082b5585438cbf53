/** What is stored of a directory's configuration, as the planner takes it. */
import * as v from 'valibot'

import type { JsonObject } from '../kernel/json.ts'
import {
  type AttributeName,
  type ChosenDirection,
  type Directions,
  isAttributeName,
} from './attributes.ts'
import {
  defaultSettings,
  type DirectorySettings,
  directorySettingsSchema,
  mergeDeeply,
} from './settings.ts'

/** Settings as they were stored, with the default of each that is younger than the row, at any depth; wrong ones are a bug. */
export const readSettings = (stored: JsonObject): DirectorySettings =>
  v.parse(directorySettingsSchema, mergeDeeply({ ...defaultSettings }, stored))

/** The directions that were chosen; an attribute without a row has its default. */
export function readDirections(
  rows: readonly (ChosenDirection & { readonly attribute: string })[],
): Directions {
  const chosen = new Map<AttributeName, ChosenDirection>()
  for (const { attribute, ...direction } of rows)
    if (isAttributeName(attribute)) chosen.set(attribute, direction)
  return chosen
}
