/** How a round writes bindings: few statements whatever their number, and no index touched that need not be. */
import { getTableColumns, type SQL, sql } from 'drizzle-orm'

import { encode } from './client.ts'
import type { BindingRow } from './round-store.ts'
import { binding } from './tables/directories.ts'

export interface BindingChange {
  /** Undefined when the binding is new. */
  readonly before: BindingRow | undefined
  readonly after: BindingRow
}

/** Columns that identify a binding, or that an index holds: they are written only where they changed. */
const KEY = ['organization_id', 'directory_id', 'kind', 'resource_id']
const INDEXED = {
  graph_id: (row: BindingRow) => row.graphId,
  manager_graph_id: (row: BindingRow) => row.managerGraphId,
  asked_sequence: (row: BindingRow) => row.askedSequence,
  asked_before: (row: BindingRow) => row.askedBefore?.join(' ') ?? null,
  undo_sequence: (row: BindingRow) => row.undoSequence,
  adopted_at: (row: BindingRow) => row.adoptedAt,
} as const
const ALL = Object.values(getTableColumns(binding)).map((column) => column.name)

/** The statements that store the bindings. An update costs one row, an insert with a Graph id two. */
export function bindingStatements(changes: readonly BindingChange[]): SQL[] {
  const inserts = changes.filter(({ before }) => before === undefined)
  const updates = changes.filter(({ before }) => before !== undefined)
  const changed = (pick: (row: BindingRow) => string | number | null) =>
    updates.filter(({ before, after }) => before !== undefined && pick(before) !== pick(after))
  return [
    ...when(inserts, insert),
    ...when(updates, (list) =>
      update(
        list,
        ALL.filter((name) => !isApart(name)),
      ),
    ),
    ...Object.entries(INDEXED).flatMap(([name, pick]) =>
      when(changed(pick), (list) => update(list, [name])),
    ),
  ]
}

const isApart = (name: string): boolean => KEY.includes(name) || Object.hasOwn(INDEXED, name)

function when(
  changes: readonly BindingChange[],
  statement: (changes: readonly BindingChange[]) => SQL,
): SQL[] {
  return changes.length === 0 ? [] : [statement(changes)]
}

const toJson = (changes: readonly BindingChange[]): string =>
  JSON.stringify(changes.map(({ after }) => encode(binding, after)))

const list = (parts: readonly SQL[]): SQL => sql.join([...parts], sql`, `)

const written = (name: string): SQL => sql`n.value ->> ${name}`

const HELD = 'held_sequence'

/** Where the log ends as the question becomes visible, unless it was asked before: a command that waits by now is no answer to it. */
const heldSequence = (before: SQL): SQL =>
  sql`CASE n.value ->> 'approval' WHEN 'asked' THEN coalesce(${before},
    (SELECT max(sequence) FROM event WHERE event.organization_id = n.value ->> 'organization_id')) END`

function insert(changes: readonly BindingChange[]): SQL {
  const names = list(ALL.map((name) => sql.identifier(name)).map((name) => sql`${name}`))
  const values = list(ALL.map((name) => (name === HELD ? heldSequence(sql`NULL`) : written(name))))
  return sql`INSERT INTO binding (${names}) SELECT ${values} FROM json_each(${toJson(changes)}) n`
}

/**
 * The whole key comes out of the row: were a part of it constant, SQLite would walk the directory's bindings and look each
 * up in the list.
 */
function update(changes: readonly BindingChange[], names: readonly string[]): SQL {
  const heldBefore = sql`CASE binding.approval WHEN 'asked' THEN coalesce(binding.held_sequence, 0) END`
  const value = (name: string) => (name === HELD ? heldSequence(heldBefore) : written(name))
  const sets = list(names.map((name) => sql`${sql.identifier(name)} = ${value(name)}`))
  return sql`UPDATE binding SET ${sets} FROM json_each(${toJson(changes)}) n
    WHERE ${sql.join(
      KEY.map((name) => sql`binding.${sql.identifier(name)} = n.value ->> ${name}`),
      sql` AND `,
    )}`
}
