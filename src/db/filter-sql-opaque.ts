/**
 * Values under an extension that no schema describes (Q24): kept as sent, so of any JSON type, under names in any case,
 * one spelling of a name in each extension.
 */
import { type SQL, sql } from 'drizzle-orm'

import { isAsciiText } from './filter-sql-fold.ts'
import type { Values } from './filter-sql-value.ts'

/** The place of an attribute under `urn`, both spelled as in the request. */
export function opaqueValues(row: SQL, urn: string, name: string): Values {
  // Beyond ASCII only JavaScript knows which names are equal but for case.
  if (!isAsciiText(urn)) return UNKNOWN
  const extension = sql`CASE WHEN ${isNamed('x', urn)} AND x.type = 'object' THEN x.value ELSE '{}' END`
  const list = sql`CASE WHEN ${isNamed('y', name)} THEN ${listOf('y')} ELSE '[]' END`
  return {
    ...elements('e'),
    from: {
      tables: sql`json_each(${row}.resource) x, json_each(${extension}) y, json_each(${list}) e`,
      where: sql`e.type <> 'null'`,
    },
    order: sql`e.key`,
    sub: (definition) => subValues(definition.name),
  }
}

/** Null to every question. */
const UNKNOWN: Values = {
  value: sql`NULL`,
  form: 'unknown',
  isPresent: sql`NULL`,
  sub: () => UNKNOWN,
}

/** What an element `e` has under a name; an element that is no object is its own `value` (see `readSubValues`). */
function subValues(name: string): Values {
  const inside = sql`ifnull((SELECT ${listOf('z')} FROM json_each(e.value) z
    WHERE ${isNamed('z', name)} ORDER BY z.key = ${name} DESC, z.id LIMIT 1), '[]')`
  const own = name.toLowerCase() === 'value' ? listOf('e') : sql`'[]'`
  return {
    ...elements('f'),
    from: {
      tables: sql`json_each(CASE e.type WHEN 'object' THEN ${inside} ELSE ${own} END) f`,
      where: sql`f.type <> 'null'`,
    },
    order: sql`f.key`,
  }
}

/** The rows of a `json_each` as values: numbers and booleans are compared as texts (see `coerceOperand`). */
function elements(alias: 'e' | 'f'): Values {
  const at = sql.raw(alias)
  return {
    value: sql`CASE ${at}.type WHEN 'text' THEN ${at}.value WHEN 'true' THEN 'true' WHEN 'false' THEN 'false'
      WHEN 'integer' THEN CAST(${at}.value AS TEXT) END`,
    form: 'text',
    // How a fraction is spelled is for JavaScript to say.
    isVague: sql`(${at}.type = 'real' OR ${at}.type = 'integer'
      AND ${at}.value NOT BETWEEN -9007199254740991 AND 9007199254740991)`,
    isPresent: hasContent(listOf(alias), sql`'$'`),
  }
}

/** Whether something in a JSON value is neither null nor the empty text, however deep. */
export function hasContent(json: SQL, path: SQL): SQL {
  return sql`EXISTS (SELECT 1 FROM json_tree(${json}, ${path}) t WHERE t.atom <> '')`
}

/** The value of a `json_each` row as a JSON array: itself, or the array of it alone. */
function listOf(alias: 'e' | 'f' | 'y' | 'z'): SQL {
  return sql.raw(`CASE ${alias}.type WHEN 'array' THEN ${alias}.value
    WHEN 'object' THEN json_array(json(${alias}.value)) WHEN 'null' THEN '[]'
    WHEN 'true' THEN '[true]' WHEN 'false' THEN '[false]' ELSE json_array(${alias}.value) END`)
}

/** Names of ASCII letters ignore case; the Kelvin sign is the one other character that folds to one. */
function isNamed(alias: 'x' | 'y' | 'z', name: string): SQL {
  return sql`lower(replace(${sql.raw(alias)}.key, '\u212a', 'k')) = ${name.toLowerCase()}`
}
