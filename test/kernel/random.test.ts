import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PASSWORD_BYTES, randomPassword, randomToken } from '../../src/kernel/random.ts'

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })

describe('a random password', () => {
  it('has 24 characters and all four classes, whatever the bytes', () => {
    fc.assert(
      fc.property(bytes(PASSWORD_BYTES), (random) => {
        const password = randomPassword(random)
        expect(password).toHaveLength(24)
        expect(password).toMatch(/[A-Z]/)
        expect(password).toMatch(/[a-z]/)
        expect(password).toMatch(/[2-9]/)
        expect(password).toMatch(/[%&*+:;=?]/)
        expect(password).not.toMatch(/[IOlo01\s]/)
      }),
    )
  })

  it('contains no user name of three characters or more, whatever the bytes', () => {
    // What Microsoft 365 allows in a user name, before the @.
    const names = /[A-Za-z0-9'.\-_!#^~]{3,}/
    fc.assert(
      fc.property(bytes(PASSWORD_BYTES), (random) => {
        expect(randomPassword(random)).not.toMatch(names)
      }),
    )
  })

  it('favours no character: over all byte values each is as frequent as any other of its alphabet', () => {
    for (let place = 0; place < PASSWORD_BYTES; place++) {
      const counts = new Map<string, number>()
      for (let value = 0; value < 256; value++) {
        const random = new Uint8Array(PASSWORD_BYTES)
        random[place] = value
        const character = randomPassword(random).charAt(place)
        counts.set(character, (counts.get(character) ?? 0) + 1)
      }
      expect(new Set(counts.values()).size).toBe(1)
    }
  })

  it('refuses too few random bytes', () => {
    expect(() => randomPassword(new Uint8Array(23))).toThrow(RangeError)
  })
})

describe('a random token', () => {
  it('has lower-case letters and digits only, 52 of 32 bytes', () => {
    expect(randomToken(new Uint8Array(32).fill(255))).toMatch(/^[0-9a-z]{52}$/)
    expect(randomToken(new Uint8Array(5).fill(255))).toBe('zzzzzzzz')
    expect(randomToken(new Uint8Array())).toBe('')
  })

  it('keeps every bit: different bytes give different tokens', () => {
    fc.assert(
      fc.property(bytes(16), bytes(16), (a, b) => {
        expect(randomToken(a) === randomToken(b)).toBe(a.every((byte, i) => byte === b[i]))
      }),
    )
    const oneBit = Array.from({ length: 256 }, (_, bit) => {
      const random = new Uint8Array(32)
      random[bit >> 3] = 1 << (bit & 7)
      return randomToken(random)
    })
    expect(new Set(oneBit).size).toBe(256)
  })
})
