/** The sweep: rings for every directory that lags, whatever became of the messages that should have said so. */
import { expirePasswords } from '../db/password-expiry.ts'
import { laggingDirectories } from '../db/sweep-store.ts'
import type { DrainPorts } from './drain.ts'

/** A password waits so long for its directories, and no longer. */
const PASSWORD_LIFE_MS = 24 * 3_600_000

/** Rings for what lags and ends the passwords that waited too long; gives the number of each. */
export async function sweep(
  ports: Pick<DrainPorts, 'database' | 'clock' | 'ring'>,
): Promise<{ readonly bells: number; readonly expiredPasswords: number }> {
  const now = ports.clock.now()
  const lagging = await laggingDirectories(ports.database, now)
  for (const bell of lagging) await ports.ring(bell)
  const expiredPasswords = await expirePasswords(ports.database, now, PASSWORD_LIFE_MS)
  return { bells: lagging.length, expiredPasswords }
}
