/** What a queue batch does: a bell of an organization becomes one of each directory that lags, so none waits for another. */
import { laggingDirectories } from '../db/sweep-store.ts'
import type { Bell, DirectoryBell } from './bell.ts'
import { drain, type DrainPorts, type DrainResult, type Invocation } from './drain.ts'

/**
 * Answers the bells of one batch. Bells for the same place are one; the directories are drained side by side, each with
 * ports of its own, and share what D1 takes of one invocation.
 */
export async function answerBells(
  openPorts: () => DrainPorts,
  bells: readonly Bell[],
): Promise<readonly DrainResult[]> {
  const opened: DrainPorts[] = []
  const portsFor = (): DrainPorts => {
    const ports = openPorts()
    opened.push(ports)
    return ports
  }
  const directories = new Map<string, DirectoryBell>()
  const add = (bell: DirectoryBell) =>
    directories.set(`${bell.organizationId}/${bell.directoryId}`, bell)
  for (const { organizationId, directoryId } of bells)
    if (directoryId !== undefined) add({ organizationId, directoryId })
  const organizations = new Set(
    bells.flatMap((bell) => (bell.directoryId === undefined ? [bell.organizationId] : [])),
  )
  for (const organizationId of organizations) {
    const ports = portsFor()
    const lagging = await laggingDirectories(ports.database, ports.clock.now(), organizationId)
    const [first, ...others] = lagging
    // A consumer that is here already serves the first; each of the others gets a bell, and so a consumer of its own.
    if (first !== undefined) add(first)
    for (const other of others) await ports.ring(other)
  }
  const invocation: Invocation = {
    drains: directories.size,
    statements: () => opened.reduce((sum, { database }) => sum + database.meter.statements, 0),
  }
  return Promise.all(
    [...directories.values()].map((bell) => drainAlone(portsFor(), bell, invocation)),
  )
}

/** A bug that one directory's data brings out must not keep the bells of the others from being answered. */
async function drainAlone(
  ports: DrainPorts,
  bell: DirectoryBell,
  invocation: Invocation,
): Promise<DrainResult> {
  try {
    return await drain(ports, bell, invocation)
  } catch (thrown) {
    ports.reportBug(thrown, bell)
    return { kind: 'aborted', why: 'bug' }
  }
}
