/**
 * Prefixed, time-ordered ids: `usr_` and 26 characters of Crockford base32 (48 bits of time, 80 random bits).
 * Sorting ids sorts by creation, so that keys append to the end of a table.
 */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'

export type IdPrefix =
  | 'org'
  | 'adm'
  | 'key'
  | 'src'
  | 'cred'
  | 'usr'
  | 'grp'
  | 'dir'
  | 'bnd'
  | 'job'
  | 'rec'
  | 'req'

/** Makes a new id from the time in milliseconds and ten random bytes. */
export function makeId(prefix: IdPrefix, now: number, random: Uint8Array): string {
  if (random.length < 10) throw new RangeError('an id takes ten random bytes')
  return `${prefix}_${base32Time(now)}${base32Random(random)}`
}

function base32Time(now: number): string {
  let text = ''
  for (let rest = now, i = 0; i < 10; i++, rest = Math.floor(rest / 32))
    text = ALPHABET.charAt(rest % 32) + text
  return text
}

function base32Random(random: Uint8Array): string {
  let text = ''
  let bits = 0
  let held = 0
  for (const byte of random.subarray(0, 10)) {
    held = (held << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += ALPHABET.charAt((held >> bits) & 31)
    }
  }
  return text
}

/** An event's public id: it is its place in the organization's log, so nothing else needs storing. */
export const eventId = (sequence: number): string => `evt_${sequence.toString().padStart(12, '0')}`

/** The place in the log that an event's id tells; 0, where no event is, for what is no such id. */
export function sequenceOf(id: string): number {
  const sequence = /^evt_(\d{1,15})$/.exec(id)?.[1]
  return sequence === undefined ? 0 : Number(sequence)
}
