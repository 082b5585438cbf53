/** A seeded generator: the same seed gives the same ids, shuffles and header cases in every run. */
export interface Random {
  /** A number from 0 up to, not including, 1. */
  next(): number
  /** An integer from 0 up to, not including, `limit`. */
  below(limit: number): number
  /** A number of the normal distribution around 0 with deviation 1. */
  normal(): number
  guid(): string
  shuffle<T>(items: readonly T[]): T[]
}

/** Makes a generator (mulberry32: tiny, fast, good enough for anything but secrets). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  const below = (limit: number): number => Math.floor(next() * limit)
  const hex = (digits: number): string =>
    Array.from({ length: digits }, () => below(16).toString(16)).join('')
  return {
    next,
    below,
    // Box and Muller's.
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
    guid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`,
    shuffle: (items) =>
      items
        .map((item) => ({ item, order: next() }))
        .toSorted((a, b) => a.order - b.order)
        .map(({ item }) => item),
  }
}

/** A number from 0 up to 1 that depends on a text alone (FNV-1a): chance that comes out the same whenever it is asked. */
export function chanceOf(text: string): number {
  let hash = 0x811c9dc5
  for (const character of text) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193)
  // Texts that differ only at the end differ only in the low bits so far.
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39)
  return ((hash ^ (hash >>> 15)) >>> 0) / 4_294_967_296
}
