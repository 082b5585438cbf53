import { hashToken } from '../db/credential-store.ts'
import { randomToken } from '../kernel/random.ts'

const SECRET_BYTES = 32
/** How much of a secret stays readable, for people to tell keys apart. */
const VISIBLE = 14

export interface NewSecret {
  /** Told once, stored nowhere. */
  readonly secret: string
  readonly secretHash: string
  readonly prefix: string
}

/** A secret that says what it is for, so that people and scanners recognise it: `isth_api_…`, `isth_scim_…`. */
export async function newSecret(
  use: 'api' | 'scim' | 'client' | 'access',
  randomBytes: (length: number) => Uint8Array,
): Promise<NewSecret> {
  const secret = `isth_${use}_${randomToken(randomBytes(SECRET_BYTES))}`
  return { secret, secretHash: await hashToken(secret), prefix: secret.slice(0, VISIBLE) }
}
