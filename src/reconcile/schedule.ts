/** What cron does for reconciliation: starts what is due, and rings for what nobody carries on. */
import { dueDirectories, silentRuns, startScheduled } from '../db/reconciliation-schedule.ts'
import type { IdPrefix } from '../kernel/id.ts'
import type { ReconcilePorts } from './context.ts'

type SchedulePorts = Pick<ReconcilePorts, 'database' | 'clock' | 'ring'>

/** Starts a run in every directory whose interval is over; gives their number. */
export async function startDue(
  ports: SchedulePorts & { readonly newId: (prefix: IdPrefix) => string },
): Promise<number> {
  const now = ports.clock.now()
  const due = await dueDirectories(ports.database, now)
  for (const directory of due) {
    const bell = { ...directory, reconciliationId: ports.newId('rec') }
    if (await startScheduled(ports.database, bell, now)) await ports.ring(bell)
  }
  return due.length
}

/** Rings for runs whose message was lost, or whose consumer died; gives their number. */
export async function ringSilent({ database, clock, ring }: SchedulePorts): Promise<number> {
  const silent = await silentRuns(database, clock.now())
  for (const bell of silent) await ring(bell)
  return silent.length
}
