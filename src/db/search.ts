/** A slice of a longer list. */
export interface Slice {
  readonly skip: number
  readonly take: number
}

export interface Page<T> {
  readonly total: number
  readonly items: readonly T[]
}

export const WALK_PAGE = 500

/**
 * Every candidate, in the order of ids and in bounded pages, through a pure test: correct for any filter, and slow for
 * those that no index serves.
 */
export async function walk<T extends { readonly id: string }>(
  readPage: (afterId: string) => Promise<readonly T[]>,
  matches: (candidate: T) => boolean,
  { skip, take }: Slice,
): Promise<Page<T>> {
  const items: T[] = []
  let total = 0
  let afterId = ''
  for (let isLast = false; !isLast;) {
    const candidates = await readPage(afterId)
    for (const candidate of candidates.filter(matches)) {
      if (total >= skip && items.length < take) items.push(candidate)
      total += 1
    }
    isLast = candidates.length < WALK_PAGE
    afterId = candidates.at(-1)?.id ?? afterId
  }
  return { total, items }
}
