/** Filter tree -> text, for faults, logs and the console. Pure. */
import { assertNever } from '../kernel/result.ts'
import { printAttributePath } from './attribute-path.ts'
import type { Filter } from './tree.ts'

/** How tightly a kind of filter binds; a filter that binds less than its place asks for stands in parentheses. */
const OR = 1
const AND = 2
const TERM = 3

/**
 * The filter as text with the fewest parentheses, so that `parseFilter` gives the same tree back.
 * `and` and `or` lean to the left: `a and b and c` is `(a and b) and c`.
 */
export function printFilter(filter: Filter): string {
  return print(filter, OR)
}

function print(filter: Filter, place: number): string {
  switch (filter.kind) {
    case 'compare':
      return `${printAttributePath(filter.path)} ${filter.operator} ${JSON.stringify(filter.value)}`
    case 'present':
      return `${printAttributePath(filter.path)} pr`
    case 'valuePath':
      return `${printAttributePath(filter.path)}[${print(filter.filter, OR)}]`
    case 'not':
      return `not (${print(filter.filter, OR)})`
    case 'and':
      return group(`${print(filter.left, AND)} and ${print(filter.right, TERM)}`, place > AND)
    case 'or':
      return group(`${print(filter.left, OR)} or ${print(filter.right, AND)}`, place > OR)
    default:
      return assertNever(filter)
  }
}

function group(text: string, inParentheses: boolean): string {
  return inParentheses ? `(${text})` : text
}
