/** The certificate of an app registration and its private key, as an administrator hands them over. */
import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto'

import { err, ok, type Result } from '../kernel/result.ts'
import { toRfc3339 } from '../kernel/time.ts'

export interface ReadCertificate {
  /** PEM of the certificate alone, without the chain that may have come with it. */
  readonly certificate: string
  /** PEM of the key in PKCS #8, whatever it came in. */
  readonly privateKey: string
  readonly expiresAt: number
}

/** What is wrong, as the end of a sentence that begins with the name of the field. */
export interface CertificateFault {
  readonly field: 'certificate' | 'privateKey'
  readonly detail: string
}

const MIN_BITS = 2048

/** Reads both texts and makes sure that they belong together and can be used now. */
export function readCertificate(
  texts: { readonly certificate: string; readonly privateKey: string },
  now: number,
): Result<ReadCertificate, CertificateFault> {
  const block = pemBlock(texts.certificate, 'CERTIFICATE')
  if (block === undefined) return err({ field: 'certificate', detail: NO_CERTIFICATE })
  const certificate = parsed(() => new X509Certificate(block))
  if (certificate === undefined) return err({ field: 'certificate', detail: UNREADABLE })
  const [from, until] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)]
  if (until <= now) return err({ field: 'certificate', detail: expired(until) })
  if (from > now) return err({ field: 'certificate', detail: tooEarly(from) })
  const key = readKey(texts.privateKey)
  if (!key.ok) return err({ field: 'privateKey', detail: key.error })
  const weakness = weaknessOf(certificate.publicKey)
  if (weakness !== undefined) return err({ field: 'certificate', detail: weakness })
  // Not `checkPrivateKey`, which says no to every key on Workers.
  if (publicPem(certificate.publicKey) !== publicPem(createPublicKey(key.value)))
    return err({ field: 'privateKey', detail: OTHER_KEY })
  const privateKey = createPrivateKey(key.value).export({ format: 'pem', type: 'pkcs8' }).toString()
  return ok({ certificate: block, privateKey, expiresAt: until })
}

/** The PEM of a key that can be read. */
function readKey(text: string): Result<string, string> {
  if (text.includes('-----BEGIN ENCRYPTED PRIVATE KEY-----') || text.includes('Proc-Type: 4,'))
    return err(ENCRYPTED)
  const block = pemBlock(text, '(?:RSA |EC )?PRIVATE KEY')
  if (block === undefined) return err(NO_KEY)
  const key = parsed(() => createPrivateKey(block))
  return key === undefined ? err(UNREADABLE_KEY) : ok(block)
}

/** Microsoft Entra ID takes assertions that an RSA key signed. */
function weaknessOf(key: KeyObject): string | undefined {
  const type = key.asymmetricKeyType
  if (type !== 'rsa') return `holds a key of the type ${type}. ${RSA_ONLY}`
  const bits = key.asymmetricKeyDetails?.modulusLength ?? MIN_BITS
  return bits < MIN_BITS ? `holds an RSA key of ${bits} bits. ${RSA_ONLY}` : undefined
}

const publicPem = (key: KeyObject): string => key.export({ format: 'pem', type: 'spki' }).toString()

/** The first block of a kind; `kind` is a pattern. */
const pemBlock = (text: string, kind: string): string | undefined =>
  new RegExp(`-----BEGIN (${kind})-----[A-Za-z0-9+/=\\s]+-----END \\1-----`).exec(text)?.[0]

function parsed<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

const NO_CERTIFICATE =
  'must hold a certificate as PEM, from "-----BEGIN CERTIFICATE-----" to "-----END CERTIFICATE-----"'
const UNREADABLE = 'is no X.509 certificate that can be read: it may have been cut or altered'
const NO_KEY =
  'must hold a private key as PEM, from "-----BEGIN PRIVATE KEY-----" to "-----END PRIVATE KEY-----"'
const ENCRYPTED =
  'is protected by a passphrase. Take the protection off first (openssl pkey -in key.pem); it is stored encrypted here'
const UNREADABLE_KEY = 'is no private key that can be read: it may have been cut or altered'
const OTHER_KEY = 'is not the key of this certificate: the two were made at different times'
const RSA_ONLY = `Microsoft Entra ID takes RSA keys of ${MIN_BITS} bits or more`

const expired = (until: number): string =>
  `expired at ${toRfc3339(until)}. Make a new one, upload it to the app registration and enter it here`
const tooEarly = (from: number): string =>
  `is valid only from ${toRfc3339(from)} on. Enter it then, or make one that is valid now`
