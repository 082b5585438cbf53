import { queryErrors } from '../errors.ts'

export type Token =
  | { readonly type: 'text'; readonly value: string }
  | { readonly type: 'word'; readonly value: string }
  | { readonly type: 'mark'; readonly value: string }

/** `'text'` with doubled quotes, words (names, paths, numbers, dates), and the marks `( ) , :`. */
const TOKEN = /\s*(?:'((?:[^']|'')*)'|([(),:])|([^\s'(),:]+(?::\d[^\s'(),]*)?))/y

/** Cuts a `$filter` into tokens. */
export function tokenize(filter: string): Token[] {
  const source = filter.trim()
  const tokens: Token[] = []
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < source.length) {
    const found = TOKEN.exec(source)
    if (!found) throw queryErrors.invalidFilter()
    const [, text, mark, word] = found
    if (text !== undefined) tokens.push({ type: 'text', value: text.replaceAll("''", "'") })
    else if (mark !== undefined) tokens.push({ type: 'mark', value: mark })
    else tokens.push({ type: 'word', value: word ?? '' })
  }
  return tokens
}
