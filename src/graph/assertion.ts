/** Client assertions (RFC 7523 section 2.2): what an app registration proves itself with instead of a secret. */
import { base64url, importPKCS8, SignJWT } from 'jose'

/** Entra ID recommends five to ten minutes; an assertion is made anew for each token. */
export const ASSERTION_SECONDS = 600

export interface CertificateAssertion {
  readonly certificate: string
  readonly privateKey: string
  readonly clientId: string
  /** The token endpoint that the assertion is for. */
  readonly tokenUrl: string
  readonly now: number
}

/** An assertion signed with the key of a certificate (https://learn.microsoft.com/entra/identity-platform/certificate-credentials). */
export async function certificateAssertion(wanted: CertificateAssertion): Promise<string> {
  const key = await importPKCS8(wanted.privateKey, 'PS256')
  const issued = Math.floor(wanted.now / 1000)
  return new SignJWT()
    .setProtectedHeader({
      alg: 'PS256',
      typ: 'JWT',
      'x5t#S256': await thumbprint(wanted.certificate),
    })
    .setIssuer(wanted.clientId)
    .setSubject(wanted.clientId)
    .setAudience(wanted.tokenUrl)
    .setJti(crypto.randomUUID())
    .setIssuedAt(issued)
    .setNotBefore(issued)
    .setExpirationTime(issued + ASSERTION_SECONDS)
    .sign(key)
}

/** SHA-256 of the certificate's DER, which is what its PEM holds. */
async function thumbprint(pem: string): Promise<string> {
  const body = pem.replace(/-----[A-Z ]+-----/g, '').replace(/\s/g, '')
  const der = Uint8Array.from(atob(body), (character) => character.charCodeAt(0))
  return base64url.encode(new Uint8Array(await crypto.subtle.digest('SHA-256', der)))
}
