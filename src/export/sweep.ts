/** The sweep: rings for every directory that lags, whatever became of the messages that should have said so. */
import { laggingDirectories } from '../db/sweep-store.ts'
import type { DrainPorts } from './drain.ts'

/** Rings for what lags; gives the number of bells. */
export async function sweep(
  ports: Pick<DrainPorts, 'database' | 'clock' | 'ring'>,
): Promise<number> {
  const lagging = await laggingDirectories(ports.database, ports.clock.now())
  for (const bell of lagging) await ports.ring(bell)
  return lagging.length
}
