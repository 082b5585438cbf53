/** Runs dependency-cruiser with the rules of .dependency-cruiser.cjs over a source tree. */
import { createRequire } from 'node:module'
import { join } from 'node:path'

import { cruise, type IConfiguration, type ICruiseResult } from 'dependency-cruiser'

export const ROOT = join(import.meta.dirname, '../..')

const configuration = createRequire(import.meta.url)(
  join(ROOT, '.dependency-cruiser.cjs'),
) as IConfiguration

export const RULES = (configuration.forbidden ?? []).map(({ name = '', comment = '' }) => ({
  name,
  comment,
}))

/** Rooms that the rules know: a file elsewhere would be judged by none of them. */
const ROOMS =
  /^src\/(scim|plan|kernel|http|db|graph|organizations|provisioning|directories|export|reconcile|events|console)\/|^src\/(worker|app|jobs|deps)\.tsx?$|^src\/worker-env\.d\.ts$/

export interface Cruise {
  /** Modules below src that were read. */
  readonly modules: readonly string[]
  /** `rule: from -> to (why)` */
  readonly violations: readonly string[]
  /** Modules that belong to no room. */
  readonly homeless: readonly string[]
}

/** What the rules say of the tree below `base`. */
export async function cruiseTree(base: string): Promise<Cruise> {
  const { forbidden = [], options = {} } = configuration
  const { output } = await cruise(
    ['src'],
    { ...options, ruleSet: { forbidden }, validate: true, baseDir: base },
    options.enhancedResolveOptions ?? {},
  )
  if (typeof output === 'string') throw new Error('dependency-cruiser gave a text, not a result')
  const modules = output.modules
    .map(({ source }) => source)
    .filter((path) => path.startsWith('src/'))
  return {
    modules,
    violations: output.summary.violations.map(sentence),
    homeless: modules.filter((path) => !ROOMS.test(path)),
  }
}

function sentence({ rule, from, to }: ICruiseResult['summary']['violations'][number]): string {
  const why = RULES.find(({ name }) => name === rule.name)?.comment ?? ''
  return `${rule.name}: ${from} -> ${to} (${why})`
}
