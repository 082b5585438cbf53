/** Peculiarities of what a client asks for: counted here, tolerated where filters and names are read. Pure. */
import { parseFilter } from '../scim/filter.ts'
import type { SearchRequest } from '../scim/messages.ts'
import type { AppliedQuirks, QuirkNumber } from '../scim/quirks.ts'

/** The quirks of a filter (Q17, Q18), and of names that carry a filter (Q39). */
export function searchQuirks({
  filter,
  attributes = [],
  excludedAttributes = [],
}: Pick<SearchRequest, 'filter' | 'attributes' | 'excludedAttributes'>): readonly QuirkNumber[] {
  const applied: AppliedQuirks = new Set()
  if (filter !== undefined) parseFilter(filter, undefined, applied)
  if ([...attributes, ...excludedAttributes].some((name) => name.includes('['))) applied.add(39)
  return [...applied]
}
