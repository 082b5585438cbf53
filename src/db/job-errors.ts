/** What the jobs of commands tell of what they asked for and is not carried out. */
import { type SQL, sql } from 'drizzle-orm'

import type { JsonObject } from '../kernel/json.ts'

/** So many errors a job tells of. */
export const MAX_ERRORS = 100

/** What a round has to tell of what a command asked for. */
export interface JobErrors {
  /** Of the command. */
  readonly sequence: number
  readonly errors: readonly JsonObject[]
  /** Each is of something that it asked for and that is not carried out. */
  readonly areFailures?: boolean
}

/** The statements that add to what the jobs of commands tell; each tells of the first hundred. */
export function jobErrorStatements(organizationId: string, told: readonly JobErrors[]): SQL[] {
  const failures = told.flatMap(({ sequence, errors, areFailures }) =>
    areFailures === true ? errors.map((error) => ({ sequence, error })) : [],
  )
  const others = told.filter(({ areFailures }) => areFailures !== true)
  const rows = sql`SELECT value ->> 'sequence' AS sequence, value -> 'error' AS told FROM json_each(${JSON.stringify(failures)})`
  return [
    ...(failures.length === 0 ? [] : [addJobFailures(organizationId, rows)]),
    ...[...Map.groupBy(others, ({ sequence }) => sequence)].map(([sequence, list]) => {
      const more = JSON.stringify(list.flatMap(({ errors }) => errors))
      return addJobErrors(organizationId, sequence, sql`SELECT value FROM json_each(${more})`)
    }),
  ]
}

/**
 * The statement that has jobs count what they asked for and is not carried out: `rows` has the `sequence` of the command, and as `told`
 * what its job tells of it, as far as the first hundred. An import has as many commands as it had steps.
 */
export function addJobFailures(organizationId: string, rows: SQL): SQL {
  const asking = (index: string, isOf: SQL): SQL =>
    sql`SELECT j.id, s.sequence FROM (SELECT DISTINCT sequence FROM r) s
    CROSS JOIN job j INDEXED BY ${sql.raw(index)} ON j.organization_id = ${organizationId} AND ${isOf}`
  const isStepOf = sql`j.commands IS NOT NULL AND EXISTS (SELECT 1 FROM json_each(j.commands) WHERE value = s.sequence)`
  // Found from the commands told of, each by its index: every other job of the organization is left unread.
  // An import that goes on beside it reads again what it tells.
  return sql`WITH r AS MATERIALIZED (SELECT *, row_number() OVER (PARTITION BY sequence) AS place FROM (${rows})),
    t AS MATERIALIZED (SELECT a.id, count(*) AS failed, json_group_array(json(r.told)) FILTER (WHERE r.place <= ${MAX_ERRORS}) AS told
      FROM (${asking('job_by_sequence', sql`j.sequence = s.sequence`)} UNION ALL ${asking('job_of_commands', isStepOf)}) a
      CROSS JOIN r ON r.sequence = a.sequence GROUP BY a.id)
    UPDATE job SET failed = job.failed + t.failed, version = version + (ended = 0),
      errors = (SELECT json_group_array(json(value)) FROM (SELECT value FROM json_each(coalesce(job.errors, '[]'))
        UNION ALL SELECT value FROM json_each(t.told) LIMIT ${MAX_ERRORS}))
    FROM t WHERE job.organization_id = ${organizationId} AND job.id = t.id AND job.id IN (SELECT id FROM t)`
}

/** Adds the objects of a query's column `value` to what the job of a command tells; or of several, of each those for `job`. */
export const addJobErrors = (organizationId: string, sequences: number | SQL, more: SQL): SQL =>
  sql`UPDATE job SET errors = (SELECT json_group_array(json(value)) FROM (
      SELECT value FROM json_each(coalesce(errors, '[]')) UNION ALL
      SELECT value FROM (${more}) LIMIT ${MAX_ERRORS}))
    WHERE organization_id = ${organizationId} AND sequence IN (${sequences})`
