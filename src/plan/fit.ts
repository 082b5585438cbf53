/**
 * Making values fit Microsoft 365: lengths, characters, names. Where something of
 * a value is lost, the caller is told, so that nothing is changed silently.
 */

import type { Loss } from './problem.ts'

const MAX_LOCAL_PART = 64
const MAX_MAIL_NICKNAME = 64
const MAX_UPN = 113

const CONTROL = /[\p{Cc}\p{Cs}]/gu
const CONTROL_BUT_LINES = /(?![\n\r\t])[\p{Cc}\p{Cs}]/gu

/** A text without control characters and lone surrogates, and at most `maxLength` UTF-16 units long. */
export function fitText(value: string, maxLength: number | null, keepLines = false): Loss {
  const clean = value.replaceAll(keepLines ? CONTROL_BUT_LINES : CONTROL, '').trim()
  const removed = clean !== value.trim()
  if (maxLength === null || clean.length <= maxLength)
    return { value: clean, removed, shortened: false }
  return { value: cut(clean, maxLength), removed, shortened: true }
}

/** The beginning of a text; half a surrogate pair is no character. */
function cut(value: string, length: number): string {
  const code = value.charCodeAt(length - 1)
  const splits = code >= 0xd800 && code <= 0xdbff
  return value.slice(0, splits ? length - 1 : length).trimEnd()
}

/** The mailNickname made from the first candidate of which something remains. */
export function fitMailNickname(...candidates: readonly string[]): string {
  for (const candidate of candidates) {
    const nickname = asciiName(candidate.split('@')[0] ?? '')
    if (nickname !== '') return nickname
  }
  return 'user'
}

/** Accents are dropped from their letters; what is no ASCII then, or forbidden, goes. */
function asciiName(text: string): string {
  return text
    .normalize('NFKD')
    .replaceAll(/[^!-~]|[@()\\[\]";:<>,]/g, '')
    .replaceAll(/\.{2,}/g, '.')
    .replace(/^\.+/, '')
    .slice(0, MAX_MAIL_NICKNAME)
    .replace(/\.+$/, '')
}

const DOMAIN = /^[a-z0-9-]+(\.[a-z0-9-]+)+$/i

/** True for a text that has the shape of an e-mail address. */
export function isAddress(text: string): boolean {
  return /^[^@\s]+@[^@\s]+$/.test(text)
}

/** An address that otherMails takes; nothing can be dropped from an address, so it is usable or not. */
export function isUsableAddress(text: string, maxLength: number | null): boolean {
  return isAddress(text) && text.length <= (maxLength ?? Infinity) && /^[!-~]+$/.test(text)
}

/** Why a text is no userPrincipalName, as the rest of a sentence; null when it is one. */
export function upnFault(text: string): string | null {
  const at = text.lastIndexOf('@')
  const local = text.slice(0, at)
  if (!isAddress(text)) return 'is not an address of the form name@domain'
  if (local.length > MAX_LOCAL_PART)
    return `has ${local.length} characters before the @, and Microsoft 365 takes ${MAX_LOCAL_PART}`
  if (text.length > MAX_UPN)
    return `has ${text.length} characters, and Microsoft 365 takes ${MAX_UPN}`
  if (/[^a-z0-9'.\-_!#^~]/i.test(local))
    return "holds characters other than A-Z a-z 0-9 ' . - _ ! # ^ ~ before the @"
  if (/^\.|\.$|\.\./.test(local)) return 'begins or ends its name with a dot, or has two in a row'
  return DOMAIN.test(text.slice(at + 1)) ? null : 'has a domain that is none'
}

/** The first language tag of an Accept-Language list such as `de-CH,de;q=0.8`; null when it is none. */
export function fitLanguage(text: string): string | null {
  const tag = (text.split(/[,;]/)[0] ?? '').trim().replaceAll('_', '-')
  return /^[a-z]{2,8}(-[a-z0-9]{1,8})*$/i.test(tag) ? tag : null
}
