import type { TenantSettings } from './settings.ts'

/** The tenant that exists unless a test asks for others; addressed by this id or by one of its domains. */
export const DEMO_TENANT_ID = '7c0ffee0-1a2b-4c3d-8e4f-5a6b7c8d9e0f'
export const DEMO_CLIENT_ID = '15714005-cafe-4b0b-9f00-0123456789ab'
export const DEMO_CLIENT_SECRET = 'demo~8Q.isthmus-emulator-client-secret'

/** Contoso: two verified domains and one consented application with User Administrator. */
export const demoTenant: TenantSettings = {
  id: DEMO_TENANT_ID,
  displayName: 'Contoso',
  domains: [
    { name: 'contoso.onmicrosoft.com', isInitial: true },
    { name: 'contoso.com', isDefault: true },
  ],
  apps: [
    {
      clientId: DEMO_CLIENT_ID,
      secrets: [{ value: DEMO_CLIENT_SECRET }],
      roles: [
        'User.ReadWrite.All',
        'Group.ReadWrite.All',
        'Domain.Read.All',
        'Organization.Read.All',
        'User-PasswordProfile.ReadWrite.All',
      ],
      directoryRoles: ['User Administrator'],
    },
  ],
}
