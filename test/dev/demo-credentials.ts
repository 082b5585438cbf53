/** What `npm run dev` seeds. These exist in its rows only: a deployment knows none of them. */
export const DEMO = {
  organization: 'org_demo',
  source: 'src_demo',
  sourceCredential: 'cred_demo',
  admin: 'adm_demo',
  apiKeyId: 'key_demo',
  directory: 'dir_demo',
  /** The emulator's tenant by its initial domain: Microsoft takes that wherever it takes the tenant's id. */
  tenant: 'contoso.onmicrosoft.com',
  scimToken: 'isth_scim_demo_0000000000000000000000000000000000000000000',
  apiKey: 'isth_api_demo_00000000000000000000000000000000000000000000',
  operatorToken: 'isth_operator_demo_0000000000000000000000000000000000000',
} as const
