/** D1 nests expressions 100 deep. What a filter nests, and what the list nests around it, must never come to that together. */
import { expect, test } from 'vitest'

import { scimClient } from '../support/seed.ts'

const inNots = (levels: number, filter: string): string =>
  levels === 0 ? filter : `not (${inNots(levels - 1, filter)})`
const alternating = (levels: number): string =>
  levels === 0 ? 'b pr' : `b co "0" and not (${alternating(levels - 1)})`
const joined = (levels: number): string =>
  levels === 0 ? 'b co "1"' : `(b co "0" and b sw "1" or b pr and (${joined(levels - 1)}))`
const chain = (levels: number): string =>
  Array.from({ length: levels + 1 }, (_, i) => `b gt ${i}`).join(' and ')

const FILTERS: readonly (readonly [string, (levels: number) => string])[] = [
  ['inside [ ] of an extension', (levels) => `urn:x:y:a[${inNots(levels, 'b co "0"')}]`],
  ['with and and not inside [ ]', (levels) => `urn:x:y:a[${alternating(levels)}]`],
  ['with and and or inside [ ]', (levels) => `urn:x:y:a[${joined(levels)}]`],
  ['by order inside [ ]', (levels) => `urn:x:y:a[${inNots(levels, 'b le false')}]`],
  ['by order, joined, inside [ ]', (levels) => `urn:x:y:a[${chain(levels)}]`],
  ['around [ ] by order', (levels) => inNots(levels, 'urn:x:y:a[b gt "0"]')],
  ['around [ ]', (levels) => inNots(levels, 'urn:x:y:a[b co "0" and not (b pr)]')],
  [
    'of attributes of the schema',
    (levels) => inNots(levels, 'displayName co "0" and externalId co "k"'),
  ],
]
const LISTS = ['/Groups?', '/Users?', '/?'].flatMap((list) =>
  ['', '&cursor=', '&sortBy=displayName', '&sortBy=displayName&cursor='].map(
    (paging) => [list, paging] as const,
  ),
)

test.each(FILTERS)(
  'a filter as deep as the grammar lets it be, %s, is answered in every list',
  async (_, filterOf) => {
    const scim = await scimClient()
    for (const [list, paging] of LISTS)
      for (let levels = 0; levels <= 10; levels++) {
        const filter = filterOf(levels)
        const { status } = await scim.get(`${list}filter=${encodeURIComponent(filter)}${paging}`)
        // Ten parentheses and brackets may be open.
        expect([list, paging, filter, [200, 400].includes(status)]).toEqual([
          list,
          paging,
          filter,
          true,
        ])
      }
  },
)
