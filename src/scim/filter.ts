/** Filter text -> tree (RFC 7644 section 3.4.2.2). Pure; never throws. */
import { err, type Result } from '../kernel/result.ts'
import { closeCursor, FILTER_LIMITS, openCursor, type FilterLimits } from './cursor.ts'
import type { ScimFault } from './fault.ts'
import { parseOr } from './grammar.ts'
import type { AppliedQuirks } from './quirks.ts'
import type { Filter } from './tree.ts'

/**
 * Parses the whole grammar of figure 1, operators in any case; `and` binds tighter than `or`, both to the left.
 * Beyond the grammar: `emails[type eq "work"].value eq "x"` is `emails[type eq "work" and value eq "x"]` (Q17), and
 * values may lack their quotes (Q18). Whether the schemas know the attributes is for `checkFilter`.
 * Both are added to `applied`. Fault: `invalidFilter` with the place and what would be accepted there.
 */
export function parseFilter(
  text: string,
  limits: FilterLimits = FILTER_LIMITS,
  applied: AppliedQuirks = new Set(),
): Result<Filter, ScimFault> {
  const opened = openCursor(text, limits, applied)
  const parsed = opened.ok ? closeCursor(opened.value, parseOr(opened.value)) : opened
  return parsed.ok ? parsed : err({ kind: 'invalidFilter', filter: text, ...parsed.error })
}
