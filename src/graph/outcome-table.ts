/**
 * Microsoft Graph's error catalogue for users and groups, as rows: the first row that matches an answer says what it means.
 * Rows key on status and code, then on `details`; on the text of the message only where Graph gives nothing better.
 */
import type { OutcomeRow, RowOutcome } from './outcome-row.ts'
import { CONFLICTS, LINKS, VALUES } from './outcome-rows-data.ts'
import {
  ACCESS,
  LATER,
  NOT_FOUNDS,
  OUR_FAULTS,
  READING,
  THROTTLES,
} from './outcome-rows-service.ts'
import { REJECTED } from './outcome-texts.ts'

/** What an answer means that no row knows: nothing was changed, and repeating it would change nothing either. */
export const REJECTED_OUTCOME: RowOutcome = { kind: 'permanent', code: 'rejected', text: REJECTED }

/** The rows in the order in which they are tried. */
export const OUTCOME_TABLE: readonly OutcomeRow[] = [
  ...THROTTLES,
  ...READING,
  ...CONFLICTS,
  ...LINKS,
  ...VALUES,
  ...ACCESS,
  ...NOT_FOUNDS,
  ...OUR_FAULTS,
  ...LATER,
]
