/** The server that a run is aimed at. */
export interface Target {
  /** The SCIM base URL, without a slash at its end. */
  readonly url: string
  readonly token: string
  /** Part of every name that the run creates. */
  readonly run: string
  /** Whether the checks of Isthmus's own contract apply, and every feature is expected. */
  readonly isIsthmus: boolean
}

declare module 'vitest' {
  interface ProvidedContext {
    target: Target
  }
}
