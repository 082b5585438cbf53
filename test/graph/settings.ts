/** What a tenant is before anybody writes to it. Settings are configuration: they are not persisted. */
export interface TenantSettings {
  readonly id: string
  readonly displayName: string
  readonly domains: readonly DomainSettings[]
  readonly apps: readonly AppSettings[]
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

/** An application as the tenant's administrator consented to it. */
export interface AppSettings {
  readonly clientId: string
  readonly secrets: readonly { readonly value: string; readonly expiresAt?: number }[]
  /** Application permissions; they become the `roles` claim of its tokens. */
  readonly roles: readonly string[]
  /** Entra roles of its service principal. */
  readonly directoryRoles?: readonly DirectoryRole[]
  readonly isDisabled?: boolean
}

export type DirectoryRole =
  | 'User Administrator'
  | 'Privileged Authentication Administrator'
  | 'Global Administrator'
