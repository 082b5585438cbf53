/**
 * Secrets at rest: AES-256-GCM under a key derived from the deployment's ENCRYPTION_KEY. The context (whose value, which
 * field) is authenticated with the text, so that a sealed value copied to another row does not open there.
 *
 * A sealed value is `v1.<key id>.<iv>.<ciphertext>` in base64url. The key id is derived from the key, so that values
 * sealed before a rotation name the key that opens them.
 */
import { err, ok, type Result } from './result.ts'

/** Why a sealed value did not open. The message is safe to show and to log. */
export interface SealFault {
  readonly reason: 'malformed' | 'unknown_key' | 'altered'
  readonly message: string
}

export interface Sealer {
  /** The sealed form of `plaintext`, which opens in the same context only. */
  seal(plaintext: string, context: string): Promise<string>
  /** The plaintext of a value that this deployment sealed in the same context, under the current or the previous key. */
  open(sealed: string, context: string): Promise<Result<string, SealFault>>
  /** True when a value is sealed under the current key: false says that a rotation still has to seal it again. */
  isCurrent(sealed: string): Promise<boolean>
}

export interface SealerOptions {
  readonly subtle: SubtleCrypto
  readonly randomBytes: (length: number) => Uint8Array
  /** Base64 of 32 random bytes each: ENCRYPTION_KEY and, during a rotation, ENCRYPTION_KEY_PREVIOUS. */
  readonly keys: { readonly current: string; readonly previous?: string | undefined }
}

interface SealKey {
  readonly id: string
  readonly key: CryptoKey
}

const VERSION = 'v1'
const KEY_BYTES = 32
const IV_BYTES = 12
const KEY_ID_BYTES = 6
const encoder = new TextEncoder()

/** Makes a sealer of the deployment's keys; the error names the setting that is wrong, never its value. */
export function createSealer(options: SealerOptions): Result<Sealer, string> {
  const { subtle, keys } = options
  const current = decodeKey(keys.current, 'ENCRYPTION_KEY')
  if (!current.ok) return current
  const previous = keys.previous
    ? decodeKey(keys.previous, 'ENCRYPTION_KEY_PREVIOUS')
    : ok(undefined)
  if (!previous.ok) return previous
  const currentKey = once(() => deriveKey(subtle, current.value))
  const previousBytes = previous.value
  const previousKey = once(async () => previousBytes && deriveKey(subtle, previousBytes))

  return ok({
    async seal(plaintext, context) {
      const { id, key } = await currentKey()
      const iv = options.randomBytes(IV_BYTES)
      const sealed = await subtle.encrypt(cipher(iv, context), key, encoder.encode(plaintext))
      return [VERSION, id, toBase64Url(iv), toBase64Url(new Uint8Array(sealed))].join('.')
    },
    async open(sealed, context) {
      const parts = parseSealed(sealed)
      if (!parts) return err(fault('malformed', 'the stored value is no sealed value'))
      const known = [await currentKey(), await previousKey()]
      const found = known.find((each) => each?.id === parts.keyId)
      if (!found)
        return err(fault('unknown_key', 'the stored value was sealed under another ENCRYPTION_KEY'))
      return decrypt(subtle, found.key, parts, context)
    },
    async isCurrent(sealed) {
      return parseSealed(sealed)?.keyId === (await currentKey()).id
    },
  })
}

async function decrypt(
  subtle: SubtleCrypto,
  key: CryptoKey,
  parts: Sealed,
  context: string,
): Promise<Result<string, SealFault>> {
  try {
    const plain = await subtle.decrypt(cipher(parts.iv, context), key, parts.ciphertext)
    return ok(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(plain))
  } catch {
    return err(fault('altered', 'the stored value was altered, or belongs to another place'))
  }
}

const fault = (reason: SealFault['reason'], message: string): SealFault => ({ reason, message })

const cipher = (iv: Uint8Array, context: string) => ({
  name: 'AES-GCM',
  iv,
  additionalData: encoder.encode(`${VERSION}\n${context}`),
})

/** HKDF keeps the sealing key apart from whatever else the deployment's key may be used for. */
async function deriveKey(subtle: SubtleCrypto, bytes: Uint8Array): Promise<SealKey> {
  const material = await subtle.importKey('raw', bytes, 'HKDF', false, ['deriveKey', 'deriveBits'])
  const hkdf = (info: string) => ({
    name: 'HKDF',
    hash: 'SHA-256',
    salt: new Uint8Array(),
    info: encoder.encode(info),
  })
  const key = await subtle.deriveKey(
    hkdf('isthmus sealing key v1'),
    material,
    { name: 'AES-GCM', length: KEY_BYTES * 8 },
    false,
    ['encrypt', 'decrypt'],
  )
  const id = await subtle.deriveBits(hkdf('isthmus sealing key id v1'), material, KEY_ID_BYTES * 8)
  return { id: toBase64Url(new Uint8Array(id)), key }
}

/** Keeps the value, never the promise: on Workers a request must not wait for a promise that another one made. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: { readonly value: T } | undefined
  return async () => {
    made ??= { value: await make() }
    return made.value
  }
}

function decodeKey(text: string, name: string): Result<Uint8Array, string> {
  const bytes = fromBase64(text.trim())
  if (bytes?.length === KEY_BYTES) return ok(bytes)
  const got = bytes ? `${bytes.length} bytes` : 'no base64'
  return err(`${name} must be the base64 of ${KEY_BYTES} random bytes, but is ${got}`)
}

interface Sealed {
  readonly keyId: string
  readonly iv: Uint8Array
  readonly ciphertext: Uint8Array
}

function parseSealed(text: string): Sealed | undefined {
  const [version, keyId, iv, ciphertext, ...rest] = text.split('.')
  if (version !== VERSION || !keyId || !iv || !ciphertext || rest.length > 0) return undefined
  const ivBytes = fromBase64(iv)
  const cipherBytes = fromBase64(ciphertext)
  if (ivBytes?.length !== IV_BYTES || !cipherBytes) return undefined
  return { keyId, iv: ivBytes, ciphertext: cipherBytes }
}

function toBase64Url(bytes: Uint8Array): string {
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/** Bytes of base64 or base64url; undefined when the text is neither. */
function fromBase64(text: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(text)) return undefined
  try {
    const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/').replace(/=+$/, ''))
    return Uint8Array.from(binary, (character) => character.charCodeAt(0))
  } catch {
    return undefined
  }
}
