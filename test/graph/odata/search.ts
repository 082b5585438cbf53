import type { DirectoryObject } from '../changes.ts'
import { queryErrors } from '../errors.ts'
import { type Kind, propertyOf } from '../schema.ts'
import { readPath } from './project.ts'

type Test = (object: DirectoryObject) => boolean

/** Clauses such as `"displayName:adele"`, joined by AND and OR; AND binds closer. */
const CLAUSE = /^"([A-Za-z]+):((?:[^"\\]|\\.)*)"$/

/** Parses a `$search`; what is not searchable is refused. */
export function parseSearch(kind: Kind, text: string): Test {
  const alternatives = text
    .trim()
    .split(/\s+OR\s+/)
    .map((all) => all.split(/\s+AND\s+/).map((one) => clause(kind, one)))
  return (object) => alternatives.some((all) => all.every((test) => test(object)))
}

/** The words that are looked for must each begin a word of the property. */
function clause(kind: Kind, text: string): Test {
  const [, name = '', wanted = ''] = CLAUSE.exec(text) ?? []
  const words = wordsOf(wanted)
  if (words.length === 0) throw queryErrors.searchSyntax(text)
  if (!propertyOf(kind, name)?.search) throw queryErrors.unsupportedSearch(name)
  return (object) => {
    const value = readPath(object, name)
    const there = typeof value === 'string' ? wordsOf(value) : []
    return words.every((word) => there.some((one) => one.startsWith(word)))
  }
}

const wordsOf = (text: string): string[] =>
  text
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '')
