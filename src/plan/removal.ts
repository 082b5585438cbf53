/** Which writes take an account, or a group, away: what the directory's threshold counts. Pure. */
import type { GroupSnapshot } from './group-plan.ts'
import type { PlannedWrite } from './planned.ts'
import type { Snapshot } from './snapshot.ts'

type Write = Pick<PlannedWrite<Snapshot | GroupSnapshot>, 'purpose' | 'sets'>

/** Whether the write itself takes the object away. */
export const isRemoval = ({ purpose, sets }: Write): boolean =>
  purpose === 'delete' ||
  (purpose === 'update' && 'accountEnabled' in sets && sets.accountEnabled === null)

/** Whether the write is a part of taking the object away: nobody who is not disabled loses the sessions. */
export const isPartOfRemoval = (write: Write): boolean =>
  write.purpose === 'revoke' || isRemoval(write)
