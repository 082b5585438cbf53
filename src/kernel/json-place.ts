/** Where a text stops being JSON (RFC 8259): JSON.parse tells it of some texts and quotes the others, which may hold secrets. Pure. */

/** Counted from 1. */
export interface Place {
  readonly line: number
  readonly column: number
}

/** The place of the first character that no JSON text could have there; of a text that ends too early its end. */
export function jsonErrorPlace(text: string): Place {
  const lines = text.slice(0, jsonErrorAt(text)).split('\n')
  return { line: lines.length, column: (lines.at(-1) ?? '').length + 1 }
}

const BLANK = /[ \t\n\r]*/y
const TEXT = /"(?:[^"\\]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y
/** What stands before the blank is in a text escaped alone. */
const isControl = (character: string): boolean => character < ' '

/** What may come next: after a value that depends on what it is in. */
type Next = 'value' | 'firstItem' | 'name' | 'firstName' | 'colon' | 'inObject' | 'inList' | 'end'

const OPENING = { '{': 'firstName', '[': 'firstItem' } as const
const MARKS: Readonly<Record<Next, Readonly<Record<string, Next | 'close'>>>> = {
  value: OPENING,
  firstItem: { ...OPENING, ']': 'close' },
  name: {},
  firstName: { '}': 'close' },
  colon: { ':': 'value' },
  inObject: { ',': 'name', '}': 'close' },
  inList: { ',': 'value', ']': 'close' },
  end: {},
}
const NAMES: readonly Next[] = ['name', 'firstName']
const VALUES: readonly Next[] = ['value', 'firstItem']

function jsonErrorAt(text: string): number {
  const open: Next[] = []
  let next: Next = 'value'
  for (let at = endOf(BLANK, text, 0); ; at = endOf(BLANK, text, at)) {
    const mark: Next | 'close' | undefined = MARKS[next][text[at] ?? '']
    if (mark === undefined) {
      const end = endOfScalar(text, at, next)
      if (end === at) return at
      next = NAMES.includes(next) ? 'colon' : (open.at(-1) ?? 'end')
      at = end
      continue
    }
    at += 1
    if (mark === 'firstName') open.push('inObject')
    if (mark === 'firstItem') open.push('inList')
    if (mark === 'close') open.pop()
    next = mark === 'close' ? (open.at(-1) ?? 'end') : mark
  }
}

/** Where the name or scalar value ends that begins here; here, when there is none. */
function endOfScalar(text: string, at: number, next: Next): number {
  const isValue = VALUES.includes(next)
  if (!isValue && !NAMES.includes(next)) return at
  const end = endOf(TEXT, text, at)
  if (end > at) return text.slice(at, end).split('').some(isControl) ? at : end
  return isValue ? endOf(SCALAR, text, at) : at
}

function endOf(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at
  return pattern.test(text) ? pattern.lastIndex : at
}
