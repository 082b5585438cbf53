/** Databases on which something happens between two round trips of a request: races are staged, not hoped for. */
import { env } from 'cloudflare:workers'

import { connect, type Database } from '../../src/db/client.ts'

/** A database in which `meanwhile` happens before the nth batch of a request. */
export function staged(meanwhile: (batch: number) => Promise<void>): () => Database {
  return () => {
    const database = connect(env.DB)
    let batch = 0
    return {
      ...database,
      run: async (...queries) => {
        batch += 1
        await meanwhile(batch)
        return database.run(...queries)
      },
    }
  }
}

/** A database that loses the answer of the nth batch, after or before it is carried out. */
export function lossy(lost: number, isCarriedOut: boolean): () => Database {
  return () => {
    const database = connect(env.DB)
    let batch = 0
    return {
      ...database,
      run: async (...queries) => {
        batch += 1
        if (batch !== lost) return database.run(...queries)
        if (isCarriedOut) await database.run(...queries)
        throw new Error('D1_ERROR: Network connection lost.')
      },
    }
  }
}

/** Holds `count` requests before their nth batch until all of them have come that far. */
export function together(count: number, nth: number): () => Database {
  const { promise: allHere, resolve } = Promise.withResolvers<undefined>()
  let here = 0
  return staged(async (batch) => {
    if (batch !== nth) return
    here += 1
    if (here === count) resolve(undefined)
    await allHere
  })
}
