/** Charsets and shapes of single values, by the `format` of the schema. */
export const formats: Readonly<Record<string, (value: string) => boolean>> = {
  userPrincipalName: isUserPrincipalName,
  mailNickname: (value) => /^[!#-'*+\-./0-9=?A-Z^_`a-z{|}~]+$/.test(value) && !value.endsWith('.'),
  mail: (value) => isAscii(value) && /^[^@\s]+@[^@\s]+$/.test(value),
  ascii: isAscii,
  immutableId: (value) => !/[$_]/.test(value),
  userType: (value) => value === 'Member' || value === 'Guest',
  country: (value) => /^[A-Za-z]{2}$/.test(value),
}

/** At most 64 characters, `@`, at most 48 characters; no accents, no dot at an end of the local part or doubled. */
function isUserPrincipalName(value: string): boolean {
  const parts = value.split('@')
  const [local, domain] = parts
  if (parts.length !== 2 || !local || !domain) return false
  if (local.length > 64 || domain.length > 48) return false
  if (local.startsWith('.') || local.endsWith('.') || value.includes('..')) return false
  return /^[A-Za-z0-9'._\-!#^~]+$/.test(local) && /^[A-Za-z0-9.-]+$/.test(domain)
}

function isAscii(value: string): boolean {
  return /^[\x20-\x7e]*$/.test(value)
}
