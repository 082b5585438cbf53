/**
 * The order in which the operations of a bulk request are carried out: that of the request, except that what is created is
 * created before it is referred to (RFC 7644 section 3.7.2), and that operations on one resource keep their order. Pure.
 */
export interface Ordered {
  /** Set when the operation creates something that others may refer to. */
  readonly creates?: string
  /** The bulkIds that the operation refers to. */
  readonly references: ReadonlySet<string>
  /** What an operation on an existing resource is about. */
  readonly target?: string
}

/** Operations that are carried out together: one, or several that refer to each other in a circle. */
export interface Unit {
  /** Places in the request, ascending. */
  readonly indexes: readonly number[]
  readonly isCycle: boolean
}

/** The units in an order in which each comes after all that it depends on; references to nothing are no dependency. */
export function bulkOrder(operations: readonly Ordered[]): readonly Unit[] {
  const direct = dependencies(operations)
  const all = direct.map((_, index) => reachable(index, direct))
  const waiting = unitsOf(all)
  const done = new Set<number>()
  const order: Unit[] = []
  while (waiting.length > 0) {
    // Units depend on each other in no circle, so one of them is always ready.
    const ready = waiting.findIndex(({ indexes }) => isReady(indexes, all, done))
    for (const unit of waiting.splice(Math.max(0, ready), 1)) {
      order.push(unit)
      for (const index of unit.indexes) done.add(index)
    }
  }
  return order
}

function dependencies(operations: readonly Ordered[]): readonly ReadonlySet<number>[] {
  const creators = new Map<string, number>()
  for (const [index, { creates }] of operations.entries())
    if (creates !== undefined) creators.set(creates, index)
  const lastOn = new Map<string, number>()
  return operations.map(({ references, target }, index) => {
    const needed = [...references].map((bulkId) => creators.get(bulkId))
    if (target !== undefined) {
      needed.push(lastOn.get(target))
      lastOn.set(target, index)
    }
    return new Set(needed.filter((place) => place !== undefined))
  })
}

/** Everything that an operation depends on, directly or not; itself when it stands in a circle. */
function reachable(start: number, direct: readonly ReadonlySet<number>[]): ReadonlySet<number> {
  const found = new Set<number>()
  const open = [...(direct[start] ?? [])]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (found.has(next)) continue
    found.add(next)
    open.push(...(direct[next] ?? []))
  }
  return found
}

function unitsOf(all: readonly ReadonlySet<number>[]): Unit[] {
  const units: Unit[] = []
  for (const [index, reached] of all.entries()) {
    if (!reached.has(index)) units.push({ indexes: [index], isCycle: false })
    else {
      const indexes = [...reached]
        .filter((other) => all[other]?.has(index))
        .toSorted((a, b) => a - b)
      if (indexes[0] === index) units.push({ indexes, isCycle: true })
    }
  }
  return units
}

function isReady(
  indexes: readonly number[],
  all: readonly ReadonlySet<number>[],
  done: ReadonlySet<number>,
): boolean {
  return indexes.every((index) =>
    [...(all[index] ?? [])].every((needed) => done.has(needed) || indexes.includes(needed)),
  )
}
