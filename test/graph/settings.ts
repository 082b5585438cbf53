/** What a tenant is before anybody writes to it. Settings are configuration: they are not persisted. */
export interface TenantSettings {
  readonly id: string
  readonly displayName: string
  readonly domains: readonly DomainSettings[]
  readonly apps: readonly AppSettings[]
  /** How many users and groups the tenant may hold; default without limit. */
  readonly objectQuota?: number
  /** What the tenant has subscribed to; default one licence of a thousand seats. */
  readonly skus?: readonly SkuSettings[]
  /** Names of directory extensions that may be written, `extension_<32 hex digits>_<name>`. */
  readonly extensionProperties?: readonly string[]
}

export interface DomainSettings {
  readonly name: string
  /** Default true. */
  readonly isVerified?: boolean
  readonly isDefault?: boolean
  readonly isInitial?: boolean
  /** Default Managed; a Federated domain demands onPremisesImmutableId. */
  readonly authenticationType?: 'Managed' | 'Federated'
}

export interface SkuSettings {
  readonly skuId: string
  readonly skuPartNumber: string
  /** Seats that were bought. */
  readonly enabled: number
  /** Seats that are taken. */
  readonly consumed?: number
}

/** An application as the tenant's administrator consented to it. */
export interface AppSettings {
  readonly clientId: string
  readonly secrets: readonly { readonly value: string; readonly expiresAt?: number }[]
  /** Certificates that may sign its assertions, each as PEM. */
  readonly certificates?: readonly { readonly pem: string; readonly expiresAt?: number }[]
  readonly federatedCredentials?: readonly FederatedCredential[]
  /** Application permissions; they become the `roles` claim of its tokens. */
  readonly roles: readonly string[]
  /** Entra roles of its service principal. */
  readonly directoryRoles?: readonly DirectoryRole[]
  readonly isDisabled?: boolean
}

/** An issuer whose assertions about one subject speak for the application. */
export interface FederatedCredential {
  readonly issuer: string
  readonly subject: string
  /** Default `api://AzureADTokenExchange`. */
  readonly audiences?: readonly string[]
}

export type DirectoryRole =
  | 'User Administrator'
  | 'Privileged Authentication Administrator'
  | 'Global Administrator'
