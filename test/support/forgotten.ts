/** What nobody will ever try again, and nobody is told of. */
import { sql } from 'drizzle-orm'

import type { Loose } from './seed.ts'

interface Asked {
  readonly query: (statement: ReturnType<typeof sql>) => Promise<readonly Loose[]>
}

/** Bindings that say that they wait for their next try, while nothing is due. */
export const forgotten = ({ query }: Asked): Promise<readonly Loose[]> =>
  query(sql`SELECT resource_id, state, error ->> '$.code' AS code, found, rest_due_at FROM binding
    WHERE state IN ('pending', 'owed') AND due_at IS NULL`)
