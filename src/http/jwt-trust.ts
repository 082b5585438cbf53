/** Which JWTs of other issuers are believed: what a federated credential says, compared with what a token says. Pure. */
import { decodeJwt } from 'jose'
import * as v from 'valibot'

/** What the claims of a token have to be, as an administrator entered it. */
export interface Trust {
  readonly issuer: string
  readonly subject: string
  readonly audience: string
}

/** What a token says of itself. */
export interface Claims {
  readonly issuer: string
  /** Whom the token speaks of: its subject and, for Entra ID, the application that it was issued to. */
  readonly subjects: readonly string[]
  /** In the form of `plainAudience`. */
  readonly audiences: readonly string[]
  /** In seconds. */
  readonly expiresAt: number
}

/**
 * The application by which Entra ID provisions, and the audience of the tokens that it sends to an endpoint that was
 * configured without a credential. Both are the same for every tenant and every vendor: only the issuer tells whose they are.
 */
export const ENTRA_PROVISIONING = {
  subject: '00000014-0000-0000-c000-000000000000',
  audience: '8adf8e6e-67b2-4cf2-a259-e3dc5476c621',
} as const

/** The issuer of those tokens. */
export const entraIssuer = (tenantId: string): string => `https://sts.windows.net/${tenantId}/`

const ENTRA_HOSTS = new Set([
  'sts.windows.net',
  'sts.chinacloudapi.cn',
  'login.microsoftonline.com',
  'login.microsoftonline.us',
  'login.partner.microsoftonline.cn',
])

const claimsSchema = v.object({
  iss: v.pipe(v.string(), v.maxLength(500)),
  sub: v.optional(v.string()),
  appid: v.optional(v.string()),
  azp: v.optional(v.string()),
  scp: v.optional(v.string()),
  aud: v.union([v.string(), v.pipe(v.array(v.string()), v.maxLength(10))]),
  exp: v.number(),
})

/** The claims of a token whose signature nobody has checked yet; undefined for what is no JWT. */
export function readClaims(token: string): Claims | undefined {
  const parsed = v.safeParse(claimsSchema, decoded(token))
  if (!parsed.success) return undefined
  const { iss, sub, appid, azp, scp, aud, exp } = parsed.output
  // A token with `scp` was issued to an application that acts for a person: it does not stand for the application.
  const subjects = isEntra(iss) && scp === undefined ? [sub, appid, azp] : [sub]
  return {
    issuer: iss,
    subjects: [...new Set(subjects.filter((subject) => subject !== undefined))],
    audiences: [aud].flat().map(plainAudience),
    expiresAt: exp,
  }
}

/** Whether the claims are the ones that are trusted. */
export const isTrusted = (claims: Claims, { issuer, subject, audience }: Trust): boolean =>
  claims.issuer === issuer &&
  claims.subjects.includes(subject) &&
  claims.audiences.includes(audience)

/**
 * An application as an audience. Entra ID writes the same one as `api://{id}/.default`, `api://{id}` and `{id}`, in
 * different pages and tokens; other audiences are as they are.
 */
export function plainAudience(audience: string): string {
  const id = /^(?:api:\/\/)?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:\/\.default)?$/i
  return id.exec(audience)?.[1]?.toLowerCase() ?? audience
}

/** Whether keys may be fetched from there: TLS tells whose they are, and on one's own machine nothing has to. */
export function isKeyAddress(text: string): boolean {
  const url = URL.parse(text)
  if (url === null || url.username !== '' || url.password !== '' || url.hash !== '') return false
  if (url.protocol === 'https:') return true
  return url.protocol === 'http:' && /^(?:localhost|127\.0\.0\.1|\[::1\])$/.test(url.hostname)
}

function isEntra(issuer: string): boolean {
  const url = URL.parse(issuer)
  return url?.protocol === 'https:' && ENTRA_HOSTS.has(url.hostname)
}

function decoded(token: string): unknown {
  try {
    return decodeJwt(token)
  } catch {
    return undefined
  }
}
