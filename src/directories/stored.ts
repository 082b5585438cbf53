import * as v from 'valibot'

import type { JsonObject } from '../kernel/json.ts'
import {
  defaultSettings,
  type DirectorySettings,
  directorySettingsSchema,
} from '../plan/settings.ts'

/** Settings as they are stored, with the default of each that is younger than the row; others are a bug. */
export const storedSettings = (stored: JsonObject): DirectorySettings =>
  v.parse(directorySettingsSchema, { ...defaultSettings, ...stored })
