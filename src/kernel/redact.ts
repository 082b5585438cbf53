/**
 * Takes secrets, and people's addresses, out of texts that are kept or logged. The last line of defence: nothing
 * should put a secret into such a text in the first place.
 */

const LONGEST_TEXT = 4096

type Rule = readonly [pattern: RegExp, replacement: string]

const SECRET_NAMES =
  'client_secret|client_assertion|access_token|refresh_token|id_token|assertion|password|currentPassword|newPassword|secret|token|apiKey|api_key|privateKey|private_key|encryption_key'

// Each pattern is one run of a character class, so that none can be made to backtrack by a hostile text.
const SECRETS: readonly Rule[] = [
  [/-----BEGIN [A-Z ]{1,40}-----[A-Za-z0-9+/=\s\\]*(-----END [A-Z ]{1,40}-----)?/g, '[key]'],
  [
    new RegExp(`("(?:${SECRET_NAMES})"\\s{0,4}:\\s{0,4})"(?:[^"\\\\]|\\\\.)*"?`, 'gi'),
    '$1"[secret]"',
  ],
  [new RegExp(`\\b(${SECRET_NAMES})=[^&\\s"']+`, 'gi'), '$1=[secret]'],
  [/\b(Bearer|Basic)\s{1,4}[A-Za-z0-9._~+/=-]+/gi, '$1 [secret]'],
  [/\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*)?/g, '[token]'],
  [/\bisth_[a-z]+_[A-Za-z0-9_]+/g, '[token]'],
  [/\bv1\.[A-Za-z0-9_-]{8}\.[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]+/g, '[sealed]'],
  // The shape of a client secret that Entra ID made.
  [/[A-Za-z0-9_~.-]{3}\dQ~[A-Za-z0-9_~.-]{31,34}/g, '[secret]'],
]

const EMAIL: Rule = [
  /[\p{L}\p{N}._%+'#-]{1,64}(?:@|%40)[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63})+/gu,
  '[email]',
]

/** The text (its first 4,096 characters) without secrets, tokens and keys: for texts that administrators read. */
export function redactSecrets(text: string): string {
  return applyRules(text, SECRETS)
}

/** The text (its first 4,096 characters) without secrets, tokens, keys and e-mail addresses: for logs. */
export function redact(text: string): string {
  return applyRules(text, [...SECRETS, EMAIL])
}

function applyRules(text: string, rules: readonly Rule[]): string {
  const start = text.slice(0, LONGEST_TEXT)
  return rules.reduce((rest, [pattern, replacement]) => rest.replace(pattern, replacement), start)
}
