import { type Json, isJsonObject } from '../../../src/kernel/json.ts'
import { valueErrors } from '../errors.ts'

/** The password in a `passwordProfile`, if it is strong enough for this user. */
export function checkPassword(profile: Json, userPrincipalName: string): string {
  const password = isJsonObject(profile) ? profile['password'] : undefined
  if (typeof password !== 'string' || !isStrong(password, userPrincipalName))
    throw valueErrors.weakPassword()
  return password
}

/** 8 to 256 characters, three of four character classes, and not the user's own name inside (names too short to matter aside). */
function isStrong(password: string, userPrincipalName: string): boolean {
  const classes = [/[a-z]/, /[A-Z]/, /[0-9]/, /[^A-Za-z0-9]/].filter((one) => one.test(password))
  const local = userPrincipalName.split('@')[0]?.toLowerCase() ?? ''
  const tellsName = local.length >= 3 && password.toLowerCase().includes(local)
  return password.length >= 8 && password.length <= 256 && classes.length >= 3 && !tellsName
}
