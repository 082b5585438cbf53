/** One check of a requirement. Its name begins with the requirement: `RFC 7644 §3.4.1: …`, `Q08: …`, `Rule 4: …`. */
import { afterAll, inject, onTestFinished, test } from 'vitest'

import { at, openScim, type Scim } from './client.ts'
import type { Target } from './target.ts'

/** What a check needs of a server: a feature that it advertises, or `contract` for what Isthmus alone promises. */
export type Need = Advertised | 'rootSearch' | 'contract'
type Advertised = 'bulk' | 'cursor' | 'etag' | 'sort'

/** The names of all checks, for the table of requirements, which is made without running them. */
export const checks: string[] = []
const isListing = process.env['VITEST'] === undefined

/** Runs with a client of its own; what it created is deleted afterwards. */
export function check(
  name: string,
  run: (scim: Scim) => Promise<void>,
  ...needs: readonly Need[]
): void {
  checks.push(name)
  if (isListing) return
  test(name, async (context) => {
    const target = inject('target')
    const scim = openScim(target)
    onTestFinished(scim.cleanUp)
    const missing = await reasonToSkip(scim, needs)
    context.skip(missing !== undefined, missing)
    await run(scim)
  })
}

/** Resources for all checks of a file, made when the first of them asks and deleted after the last. */
export function shared<T>(make: (scim: Scim) => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  let scim: Scim | undefined
  if (!isListing) afterAll(() => scim?.cleanUp())
  return () => {
    scim ??= openScim(inject('target'))
    made ??= make(scim)
    return made
  }
}

const ADVERTISED: Readonly<Record<Advertised, string>> = {
  bulk: 'bulk.supported',
  cursor: 'pagination.cursor',
  etag: 'etag.supported',
  sort: 'sort.supported',
}

async function reasonToSkip(scim: Scim, needs: readonly Need[]): Promise<string | undefined> {
  if (scim.target.isIsthmus) return undefined
  for (const need of needs) {
    if (need === 'contract') return 'Isthmus promises this, other servers need not'
    if (need === 'rootSearch') {
      const { status } = await scim.post('/.search', { count: 0 })
      if (status === 404 || status === 501) return `the server answers /.search with ${status}`
      continue
    }
    const path = ADVERTISED[need]
    if (!(await advertises(scim.target, path)))
      return `the server does not advertise ${path} in its ServiceProviderConfig`
  }
  return undefined
}

let configuration: ReturnType<Scim['get']> | undefined

async function advertises(target: Target, path: string): Promise<boolean> {
  configuration ??= openScim(target).get('/ServiceProviderConfig')
  return at((await configuration).body, path) === true
}
