import type { Json } from '../../../src/kernel/json.ts'
import { queryErrors } from '../errors.ts'
import { type Kind, propertyOf } from '../schema.ts'
import { type Token, tokenize } from './lexer.ts'

/** Reads a value of the object under test by its path. */
type Read = (path: string) => Json

export interface Filter {
  readonly matches: (read: Read) => boolean
  /** Uses `ne`, `not` or `endsWith`, which only the eventual index answers. */
  readonly isAdvanced: boolean
}

type Test = (read: Read) => boolean

const MOST_CLAUSES = 15
const COMPARISONS: Readonly<Record<string, (order: number) => boolean>> = {
  eq: (order) => order === 0,
  ne: (order) => order !== 0,
  ge: (order) => order >= 0,
  le: (order) => order <= 0,
}
const TEXT_TESTS: Readonly<Record<string, (value: string, part: string) => boolean>> = {
  startswith: (value, part) => value.startsWith(part),
  endswith: (value, part) => value.endsWith(part),
}

/** Parses a `$filter` into a test; whatever the property does not support is refused. */
export function parseFilter(kind: Kind, text: string): Filter {
  const parser = new FilterParser(kind, tokenize(text))
  const matches = parser.parse()
  return { matches, isAdvanced: parser.isAdvanced }
}

class FilterParser {
  isAdvanced = false
  readonly #kind: Kind
  readonly #tokens: readonly Token[]
  #next = 0
  #clauses = 0

  constructor(kind: Kind, tokens: readonly Token[]) {
    this.#kind = kind
    this.#tokens = tokens
  }

  parse(): Test {
    const test = this.#or()
    if (this.#next !== this.#tokens.length) throw queryErrors.invalidFilter()
    if (this.#clauses > MOST_CLAUSES) throw queryErrors.tooManyClauses(this.#clauses)
    return test
  }

  #or(): Test {
    const tests = [this.#and()]
    while (this.#takeWord('or')) tests.push(this.#and())
    return (read) => tests.some((test) => test(read))
  }

  #and(): Test {
    const tests = [this.#not()]
    while (this.#takeWord('and')) tests.push(this.#not())
    return (read) => tests.every((test) => test(read))
  }

  #not(): Test {
    if (!this.#takeWord('not')) return this.#primary()
    this.isAdvanced = true
    const test = this.#primary()
    return (read) => !test(read)
  }

  #primary(): Test {
    if (this.#takeMark('(')) {
      const test = this.#or()
      this.#expectMark(')')
      return test
    }
    const word = this.#word()
    const textTest = TEXT_TESTS[word.toLowerCase()]
    if (textTest && this.#takeMark('(')) return this.#textTest(word.toLowerCase(), textTest)
    if (word.endsWith('/any') && this.#takeMark('(')) return this.#any(word.slice(0, -4))
    return this.#comparison(word)
  }

  #textTest(name: string, holds: (value: string, part: string) => boolean): Test {
    const path = this.#word()
    this.#allow(path, name === 'startswith' ? 'startsWith' : 'endsWith')
    this.#expectMark(',')
    const part = this.#text().toLowerCase()
    this.#expectMark(')')
    if (name === 'endswith') this.isAdvanced = true
    this.#clauses += 1
    return (read) => {
      const value = read(path)
      return typeof value === 'string' && holds(value.toLowerCase(), part)
    }
  }

  #any(path: string): Test {
    const variable = this.#word()
    this.#expectMark(':')
    const inner = new FilterParser(this.#kind, this.#untilClosed(variable, path))
    const test = inner.parse()
    this.isAdvanced ||= inner.isAdvanced
    this.#clauses += 1
    return (read) => {
      const items = read(path)
      return Array.isArray(items) && items.some((item: Json) => test(() => item))
    }
  }

  /** The tokens of a lambda up to its closing parenthesis, its variable replaced by the collection's name. */
  #untilClosed(variable: string, path: string): Token[] {
    const inner: Token[] = []
    for (let depth = 1; ;) {
      const token = this.#take()
      if (token.type === 'mark' && token.value === '(') depth += 1
      if (token.type === 'mark' && token.value === ')') depth -= 1
      if (depth === 0) return inner
      const isVariable = token.type === 'word' && token.value === variable
      inner.push(isVariable ? { type: 'word', value: path } : token)
    }
  }

  #comparison(path: string): Test {
    const operator = this.#word().toLowerCase()
    if (operator === 'in') return this.#oneOf(path)
    const holds = COMPARISONS[operator]
    if (!holds) throw queryErrors.invalidFilter()
    this.#allow(path, operator)
    if (operator === 'ne') this.isAdvanced = true
    this.#clauses += 1
    const wanted = this.#literal()
    return (read) => holds(compare(read(path), wanted))
  }

  #oneOf(path: string): Test {
    this.#allow(path, 'in')
    this.#expectMark('(')
    const wanted = [this.#literal()]
    while (this.#takeMark(',')) wanted.push(this.#literal())
    this.#expectMark(')')
    this.#clauses += wanted.length
    return (read) => wanted.some((one) => compare(read(path), one) === 0)
  }

  #allow(path: string, operator: string): void {
    const [name = ''] = path.split('/')
    if (!propertyOf(this.#kind, name)?.filter?.includes(operator) && !name.startsWith('extension_'))
      throw queryErrors.unsupportedFilter(this.#kind, name)
  }

  #literal(): Json {
    const token = this.#take()
    if (token.type === 'text') return token.value
    if (token.type === 'mark') throw queryErrors.invalidFilter()
    if (token.value === 'null') return null
    if (token.value === 'true' || token.value === 'false') return token.value === 'true'
    const number = Number(token.value)
    return Number.isNaN(number) ? token.value : number
  }

  #take(): Token {
    const token = this.#tokens[this.#next]
    if (!token) throw queryErrors.invalidFilter()
    this.#next += 1
    return token
  }

  #word(): string {
    const token = this.#take()
    if (token.type !== 'word') throw queryErrors.invalidFilter()
    return token.value
  }

  #text(): string {
    const token = this.#take()
    if (token.type !== 'text') throw queryErrors.invalidFilter()
    return token.value
  }

  #takeWord(word: string): boolean {
    const token = this.#tokens[this.#next]
    if (token?.type !== 'word' || token.value.toLowerCase() !== word) return false
    this.#next += 1
    return true
  }

  #takeMark(mark: string): boolean {
    const token = this.#tokens[this.#next]
    if (token?.type !== 'mark' || token.value !== mark) return false
    this.#next += 1
    return true
  }

  #expectMark(mark: string): void {
    if (!this.#takeMark(mark)) throw queryErrors.invalidFilter()
  }
}

/** Order of two values: texts without regard to case, dates as times; NaN (no order) when types differ. */
function compare(value: Json, wanted: Json): number {
  if (value === wanted) return 0
  if (typeof value === 'number' && typeof wanted === 'number') return value - wanted
  if (typeof value !== 'string' || typeof wanted !== 'string') return Number.NaN
  return value.toLowerCase().localeCompare(wanted.toLowerCase(), 'en')
}
