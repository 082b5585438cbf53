import type { Caller } from './access.ts'
import type { FaultSpec } from './faults.ts'
import { changeUser } from './control.ts'
import type { World } from './world.ts'

/** Brings about what happens beside a fault. */
export function bringAbout(
  event: NonNullable<FaultSpec['event']>,
  world: World,
  { tenant, app }: Caller,
): void {
  switch (event) {
    case 'revoke-tokens':
      world.tokenGeneration += 1
      return
    case 'drop-consent':
      tenant.changeApp(app.clientId, null)
      return
    case 'drift': {
      const users = [...tenant.live('user')]
      const user = users[world.random.below(users.length)]
      if (user)
        changeUser(tenant, user.id, { properties: { jobTitle: `Drift ${tenant.log.length}` } })
    }
  }
}
