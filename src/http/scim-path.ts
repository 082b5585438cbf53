const SEGMENTS = [
  'Users',
  'Groups',
  'ServiceProviderConfig',
  'ResourceTypes',
  'Schemas',
  'Me',
  'Bulk',
  '.search',
]
const SPELLING = new Map(SEGMENTS.map((segment) => [segment.toLowerCase(), segment]))

/**
 * The path under `/scim` as the routes spell it: no double slash, none at the end, resource names in their own case (Q38,
 * from tenant URLs that end in a slash). Other paths stay as they are.
 */
export function normalizeScimPath(path: string): string {
  const [surface, version, resource, ...rest] = path.split('/').filter((part) => part !== '')
  if (surface?.toLowerCase() !== 'scim') return path
  const parts = ['scim', version?.toLowerCase()]
  if (resource !== undefined) parts.push(SPELLING.get(resource.toLowerCase()) ?? resource)
  return `/${[...parts, ...rest].filter((part) => part !== undefined).join('/')}`
}
