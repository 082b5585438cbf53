import { describe, expect, test } from 'vitest'

import { exportWorld, newUser } from '../support/export.ts'

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'

describe('a drain', () => {
  test('creates a user in Microsoft 365 with what its SCIM client sent', async () => {
    const world = await exportWorld()
    const { body } = await world.scim.post(
      '/Users',
      newUser('adele', { [ENTERPRISE]: { department: 'Sales' } }),
    )
    await world.settle()
    const { users } = world.graph.summary()
    expect(users).toHaveLength(1)
    expect(users[0]).toMatchObject({
      properties: {
        userPrincipalName: 'adele@contoso.com',
        displayName: 'adele Test',
        jobTitle: 'Engineer',
        department: 'Sales',
        usageLocation: 'US',
        accountEnabled: true,
      },
    })
    expect(await world.binding(body['id'])).toMatchObject({ state: 'synced', due_at: null })
    expect(world.bells).toEqual([])
  })
})
