import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bulkOrder, type Ordered } from '../../src/scim/bulk-order.ts'

const creating = (creates: string, ...references: string[]): Ordered => ({
  creates,
  references: new Set(references),
})
const changing = (target: string, ...references: string[]): Ordered => ({
  target,
  references: new Set(references),
})
const orderOf = (...operations: Ordered[]) => bulkOrder(operations).map(({ indexes }) => indexes)

describe('bulkOrder', () => {
  it('keeps the order of the request where nothing depends on anything', () => {
    expect(orderOf(creating('a'), changing('/Users/1'), creating('b'))).toEqual([[0], [1], [2]])
    expect(orderOf()).toEqual([])
  })

  it('creates before it refers, and leaves the rest in its place', () => {
    expect(
      orderOf(creating('g', 'b', 'a'), changing('/Users/1'), creating('a'), creating('b')),
    ).toEqual([[1], [2], [3], [0]])
  })

  it('keeps operations on one resource in their order', () => {
    expect(
      orderOf(
        changing('/Groups/1', 'a'),
        changing('/Groups/1'),
        changing('/Groups/2'),
        creating('a'),
      ),
    ).toEqual([[2], [3], [0], [1]])
  })

  it('takes a circle as one unit, what needs it after it', () => {
    const order = bulkOrder([
      creating('x', 'a'),
      creating('a', 'b'),
      creating('b', 'a', 'c'),
      creating('c'),
    ])
    expect(order).toEqual([
      { indexes: [3], isCycle: false },
      { indexes: [1, 2], isCycle: true },
      { indexes: [0], isCycle: false },
    ])
  })

  it('takes a reference to itself for a circle, and one to nothing for none', () => {
    expect(bulkOrder([creating('a', 'a'), creating('b', 'nobody')])).toEqual([
      { indexes: [0], isCycle: true },
      { indexes: [1], isCycle: false },
    ])
  })

  it('for every request: each operation once, after all that it needs, circles together', () => {
    const operation = fc.record({
      isCreation: fc.boolean(),
      references: fc.uniqueArray(fc.nat(14), { maxLength: 3 }),
      target: fc.nat(3),
    })
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 15 }), (sent) => {
        const operations = sent.map(({ isCreation, references, target }, index): Ordered => {
          const bulkIds = references.map((other) => `b${other}`)
          return isCreation
            ? creating(`b${index}`, ...bulkIds)
            : changing(`/Users/${target}`, ...bulkIds)
        })
        const order = bulkOrder(operations)
        const places = order.flatMap(({ indexes }) => indexes)
        expect(places.toSorted((a, b) => a - b)).toEqual(operations.map((_, index) => index))
        const done = new Set<number>()
        for (const { indexes, isCycle } of order) {
          if (!isCycle) expect(indexes).toHaveLength(1)
          for (const index of indexes) {
            const needed = operations.flatMap(({ creates }, other) =>
              creates !== undefined && operations[index]?.references.has(creates) ? [other] : [],
            )
            for (const other of needed)
              expect(done.has(other) || (isCycle && indexes.includes(other))).toBe(true)
            const { target } = operations[index] ?? {}
            const before = operations.flatMap((earlier, other) =>
              target !== undefined && earlier.target === target && other < index ? [other] : [],
            )
            for (const other of before) expect(done.has(other)).toBe(true)
          }
          for (const index of indexes) done.add(index)
        }
      }),
    )
  })
})
