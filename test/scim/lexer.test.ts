import { describe, expect, it } from 'vitest'
import { tokenize, type Token } from '../../src/scim/lexer.ts'

const LIMITS = { maxCharacters: 200, maxWordCharacters: 100 }

function tokens(text: string): readonly Token[] {
  const read = tokenize(text, LIMITS)
  if (!read.ok) throw new Error(read.error.reason)
  return read.value
}

function failure(text: string) {
  const read = tokenize(text, LIMITS)
  return read.ok ? undefined : read.error
}

describe('tokenize', () => {
  it('gives each token the place where it begins', () => {
    expect(tokens('userName eq "a b"')).toEqual([
      { kind: 'word', text: 'userName', position: 0 },
      { kind: 'word', text: 'eq', position: 9 },
      { kind: 'string', text: 'a b', position: 12 },
      { kind: 'end', position: 17 },
    ])
  })

  it('reads brackets and parentheses without blanks around them', () => {
    expect(tokens('emails[(a pr)].b').map((token) => token.kind)).toEqual([
      'word',
      '[',
      '(',
      'word',
      'word',
      ')',
      ']',
      'word',
      'end',
    ])
  })

  it.each([
    'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber',
    'members.$ref',
    '2011-05-13T04:42:34Z',
    'someone+tag@example.com',
    '-12.5e3',
  ])('reads %s as one word', (text) => {
    expect(tokens(text)[0]).toEqual({ kind: 'word', text, position: 0 })
  })

  it('decodes every escape of a JSON string', () => {
    const text = String.raw`"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"`
    expect(tokens(text)[0]).toMatchObject({ kind: 'string', text: '"\\/\b\f\n\r\té😀' })
  })

  it.each([
    ['a string that does not end', 'a eq "b', 5],
    ['an unknown escape', String.raw`a eq "\x"`, 5],
    ['a short unicode escape', String.raw`a eq "\u12"`, 5],
    ['a bare line break in a string', 'a eq "b\nc"', 5],
    ['an escaped NUL', String.raw`a eq "\u0000"`, 5],
    ['an escaped half of a surrogate pair', String.raw`a eq "\ud800"`, 5],
    ['a bare half of a surrogate pair', 'a eq \ud800', 5],
    ['a bare NUL', 'a eq b\0', 6],
    ['a control character', 'a \u0001', 2],
    ['a word over the limit', `a ${'x'.repeat(101)}`, 2],
    ['a text over the limit', 'a'.repeat(201), 200],
  ])('refuses %s and says where it is', (_, text, position) => {
    expect(failure(text)?.position).toBe(position)
  })
})
