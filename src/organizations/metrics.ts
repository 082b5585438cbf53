/** The numbers of an organization as Prometheus reads them (text exposition format 0.0.4). Pure. */
import type { OrganizationNumbers } from '../db/metrics-reader.ts'

type Directory = OrganizationNumbers['directories'][number]

interface Metric {
  readonly name: string
  readonly help: string
}

interface DirectoryMetric extends Metric {
  /** Undefined where there is none yet. */
  readonly value: (status: Directory, sequence: number) => number | undefined
}

const DIRECTORY_METRICS: readonly DirectoryMetric[] = [
  { name: 'owed', help: 'Resources with something still to send.', value: ({ owed }) => owed },
  { name: 'in_flight', help: 'Writes that are being sent.', value: ({ inFlight }) => inFlight },
  {
    name: 'failed',
    help: 'Bindings that failed for good, without those that an administrator rejected.',
    value: ({ failed, rejected }) => failed - rejected,
  },
  {
    name: 'rejected',
    help: 'Bindings whose held change an administrator rejected.',
    value: ({ rejected }) => rejected,
  },
  { name: 'held', help: 'Bindings that wait for an administrator.', value: ({ held }) => held },
  { name: 'bound', help: 'Users and groups that are bound.', value: ({ bound }) => bound },
  {
    name: 'log_lag',
    help: 'Events that the directory has not followed yet, those that concern nobody included.',
    value: ({ directory }, sequence) => Math.max(0, sequence - directory.position),
  },
  {
    name: 'active',
    help: '1 while the directory is exported to, 0 while it is paused or its credential is refused.',
    value: ({ directory }) => (directory.state === 'active' ? 1 : 0),
  },
  {
    name: 'blocked_until_seconds',
    help: 'When Microsoft Graph lets us write again (Unix time); 0 when it does.',
    value: ({ blockedUntil }) => blockedUntil / 1000,
  },
  {
    name: 'last_drain_timestamp_seconds',
    help: 'When it was last exported to (Unix time).',
    value: ({ directory }) => seconds(directory.lastDrain?.['at']),
  },
  {
    name: 'credential_expires_timestamp_seconds',
    help: 'When its credential ends (Unix time).',
    value: ({ directory }) => seconds(directory.credentialExpiresAt),
  },
]

const seconds = (milliseconds: unknown): number | undefined =>
  typeof milliseconds === 'number' ? milliseconds / 1000 : undefined

export const METRICS_MEDIA = 'text/plain; version=0.0.4; charset=utf-8'

/** The numbers as text: gauges, with a line of help and of type before each. */
export function prometheusText({
  users,
  groups,
  sequence,
  directories,
}: OrganizationNumbers): string {
  const whole = [
    ...gauge({ name: 'users', help: 'Users of the organization.' }, [['', users]]),
    ...gauge({ name: 'groups', help: 'Groups of the organization.' }, [['', groups]]),
    ...gauge({ name: 'log_sequence', help: 'The number of its newest event.' }, [['', sequence]]),
  ]
  const each = DIRECTORY_METRICS.flatMap(({ name, help, value }) => {
    const samples = directories.flatMap((status): [string, number][] => {
      const number = value(status, sequence)
      return number === undefined ? [] : [[labelsOf(status), number]]
    })
    return samples.length === 0 ? [] : gauge({ name: `directory_${name}`, help }, samples)
  })
  return [...whole, ...each, ''].join('\n')
}

function gauge(
  { name, help }: Metric,
  samples: readonly (readonly [labels: string, value: number])[],
): string[] {
  const full = `isthmus_${name}`
  return [
    `# HELP ${full} ${help}`,
    `# TYPE ${full} gauge`,
    ...samples.map(([labels, value]) => `${full}${labels} ${value}`),
  ]
}

const labelsOf = ({ directory: { id, name } }: Directory): string =>
  `{directory="${escaped(id)}",name="${escaped(name)}"}`

const escaped = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
