import { describe, expect, it } from 'vitest'

import { readCertificate } from '../../src/graph/certificate.ts'
import {
  CERTIFICATE,
  EC_CERTIFICATE,
  EC_KEY,
  ENCRYPTED_KEY,
  OTHER_KEY,
  PRIVATE_KEY,
  PRIVATE_KEY_PKCS1,
} from '../support/certificates.ts'

const NOW = Date.UTC(2026, 5, 1)
const read = (certificate: string, privateKey: string, now = NOW) =>
  readCertificate({ certificate, privateKey }, now)

describe('a certificate with its key', () => {
  it('is read, and its expiry with it', () => {
    expect(read(CERTIFICATE, PRIVATE_KEY)).toEqual({
      ok: true,
      value: {
        certificate: CERTIFICATE,
        privateKey: `${PRIVATE_KEY}\n`,
        expiresAt: Date.UTC(2076, 0, 1),
      },
    })
  })

  it('is the same in whatever form the key comes, and in one text with it', () => {
    const expected = read(CERTIFICATE, PRIVATE_KEY)
    const pem = `Bag Attributes\n${PRIVATE_KEY}\nsubject=CN = isthmus\n${CERTIFICATE}\n`
    expect(read(CERTIFICATE, PRIVATE_KEY_PKCS1)).toEqual(expected)
    expect(read(pem, pem)).toEqual(expected)
    expect(read(`${CERTIFICATE}\n${EC_CERTIFICATE}`, PRIVATE_KEY)).toEqual(expected)
    expect(read(CERTIFICATE.replaceAll('\n', '\r\n'), PRIVATE_KEY).ok).toBe(true)
  })

  const cut = (pem: string) => pem.replace(/\n.{64}\n/, '\n')
  it.each([
    ['no PEM', 'hello', PRIVATE_KEY, 'certificate', /-----BEGIN CERTIFICATE-----/],
    ['the key twice', PRIVATE_KEY, PRIVATE_KEY, 'certificate', /must hold a certificate/],
    ['a line lost', cut(CERTIFICATE), PRIVATE_KEY, 'certificate', /cut or altered/],
    ['no key', CERTIFICATE, CERTIFICATE, 'privateKey', /-----BEGIN PRIVATE KEY-----/],
    ['a line of the key lost', CERTIFICATE, cut(PRIVATE_KEY), 'privateKey', /cut or altered/],
    ['a passphrase', CERTIFICATE, ENCRYPTED_KEY, 'privateKey', /passphrase.*openssl/],
    ['the key of another', CERTIFICATE, OTHER_KEY, 'privateKey', /not the key of this certificate/],
    ['a key that is not RSA', CERTIFICATE, EC_KEY, 'privateKey', /not the key of this/],
    ['a curve', EC_CERTIFICATE, EC_KEY, 'certificate', /type ec.*RSA keys of 2048 bits/],
  ])('is refused with %s, and the field is named', (_, certificate, key, field, detail) => {
    expect(read(certificate, key)).toEqual({
      ok: false,
      error: { field, detail: expect.stringMatching(detail) },
    })
  })

  it('is refused once it has expired, and before it begins', () => {
    const late = read(CERTIFICATE, PRIVATE_KEY, Date.UTC(2076, 0, 1))
    const early = read(CERTIFICATE, PRIVATE_KEY, Date.UTC(2025, 11, 31))
    expect(late).toMatchObject({
      error: { detail: expect.stringContaining('expired at 2076-01-01') },
    })
    expect(early).toMatchObject({
      error: { detail: expect.stringContaining('only from 2026-01-01') },
    })
  })

  it('tells nothing of the key in what it refuses', () => {
    const told = JSON.stringify([read('x', PRIVATE_KEY), read(CERTIFICATE, cut(PRIVATE_KEY))])
    expect(told).not.toContain(PRIVATE_KEY.slice(40, 80))
  })
})
