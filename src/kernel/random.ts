/** Secrets made of random bytes. Pure: the bytes are an argument, the same bytes give the same text. */

const UPPER = 'ABCDEFGHJKLMNPQRSTUVWXYZ'
const LOWER = 'abcdefghijkmnpqrstuvwxyz'
const DIGITS = '23456789'
/** None of them may be part of a user name: Microsoft 365 allows no sign but ' . - _ ! # ^ ~ there. */
const SYMBOLS = '%&*+:;=?'
/** 64 characters that nobody confuses when reading them aloud (no I, O, l, o, 0, 1). */
const ANY = UPPER + LOWER + DIGITS + SYMBOLS
const TOKEN_ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'

export const PASSWORD_BYTES = 24
/** Where a password has what Entra ID's complexity rule asks for, whatever the other places hold. */
const CLASSES: Readonly<Record<number, string>> = {
  19: UPPER.slice(0, 16),
  21: LOWER.slice(0, 16),
  22: DIGITS,
}

/**
 * A password of 24 characters from 24 random bytes (113 random bits) that Entra ID accepts by construction: it has a
 * character of each class, and every third one is a symbol that no user name has, so that it cannot contain the name
 * of its user, of three characters or more, by chance. Every alphabet drawn from has a power of two of characters, so
 * a byte modulo its size favours none.
 */
export function randomPassword(bytes: Uint8Array): string {
  if (bytes.length < PASSWORD_BYTES)
    throw new RangeError(`a password takes ${PASSWORD_BYTES} random bytes`)
  let password = ''
  for (const [place, byte] of bytes.subarray(0, PASSWORD_BYTES).entries()) {
    const alphabet = place % 3 === 2 ? SYMBOLS : (CLASSES[place] ?? ANY)
    password += alphabet.charAt(byte % alphabet.length)
  }
  return password
}

/**
 * A token of lower-case letters and digits (base32, five bits each) that holds every bit of `bytes`: 52 characters of 32
 * bytes. No punctuation, so a prefix can be split off at `_` and a double click selects all of it.
 */
export function randomToken(bytes: Uint8Array): string {
  let token = ''
  let bits = 0
  let held = 0
  for (const byte of bytes) {
    held = ((held << 8) | byte) & 0xfff
    for (bits += 8; bits >= 5; bits -= 5) token += TOKEN_ALPHABET.charAt((held >> (bits - 5)) & 31)
  }
  return bits === 0 ? token : token + TOKEN_ALPHABET.charAt((held << (5 - bits)) & 31)
}
