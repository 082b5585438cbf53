/** Why a directory that is paused, or whose credential was refused, is not reconciled: for its administrator. Pure. */

export interface WhyNotActive {
  readonly code: 'directory_not_active'
  readonly message: string
  readonly whatToDo: string
}

/** `reason`: what stands with the directory, where its credential was refused. */
export const whyNotActive = (state: string, reason: string | null): WhyNotActive =>
  state === 'paused'
    ? {
        code: 'directory_not_active',
        message: 'The directory is paused.',
        whatToDo: 'Set its state to "active", then try again.',
      }
    : {
        code: 'directory_not_active',
        message: `The directory has stopped, because its credential was refused: ${reason ?? 'nothing more is known.'}`,
        whatToDo:
          'Do what that says or give the directory a new credential, test the connection (POST …/test), then try again.',
      }
