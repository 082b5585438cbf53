import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createSealer, type Sealer } from '../../src/kernel/seal.ts'

const OLD = Buffer.alloc(32, 1).toString('base64')
const NEW = Buffer.alloc(32, 2).toString('base64')
const CONTEXT = 'org_1/dir_1/client_secret'

function sealerOf(current: string, previous?: string): Sealer {
  const made = createSealer({
    subtle: crypto.subtle,
    randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
    keys: { current, previous },
  })
  if (!made.ok) throw new Error(made.error)
  return made.value
}

describe('a sealed secret', () => {
  it('opens in its own context', async () => {
    const sealer = sealerOf(NEW)
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme' }), fc.string(), async (secret, context) => {
        const sealed = await sealer.seal(secret, context)
        expect(sealed).toMatch(/^v1\.[\w-]{8}\.[\w-]{16}\.[\w-]+$/)
        expect(await sealer.open(sealed, context)).toEqual({ ok: true, value: secret })
      }),
      { numRuns: 50 },
    )
  })

  it('does not show the secret, and is different each time', async () => {
    const sealer = sealerOf(NEW)
    const [one, two] = [
      await sealer.seal('hunter2', CONTEXT),
      await sealer.seal('hunter2', CONTEXT),
    ]
    expect(one).not.toBe(two)
    expect(one).not.toContain('hunter2')
  })

  it('does not open when it was moved to another row', async () => {
    const sealer = sealerOf(NEW)
    const sealed = await sealer.seal('hunter2', CONTEXT)
    const opened = await sealer.open(sealed, 'org_2/dir_1/client_secret')
    expect(opened).toMatchObject({ ok: false, error: { reason: 'altered' } })
  })

  it('does not open when any part of it was altered', async () => {
    const sealer = sealerOf(NEW)
    const parts = (await sealer.seal('hunter2', CONTEXT)).split('.')
    for (const place of [2, 3]) {
      const altered = [...parts]
      altered[place] = (altered[place]?.startsWith('A') ? 'B' : 'A') + altered[place]?.slice(1)
      expect((await sealer.open(altered.join('.'), CONTEXT)).ok).toBe(false)
    }
  })

  it('opens under the previous key after a rotation, and is then known to need sealing again', async () => {
    const sealed = await sealerOf(OLD).seal('hunter2', CONTEXT)
    const rotated = sealerOf(NEW, OLD)
    expect(await rotated.open(sealed, CONTEXT)).toEqual({ ok: true, value: 'hunter2' })
    expect(await rotated.isCurrent(sealed)).toBe(false)
    expect(await rotated.isCurrent(await rotated.seal('hunter2', CONTEXT))).toBe(true)
  })

  it('names ENCRYPTION_KEY when it was sealed under a key that is gone', async () => {
    const sealed = await sealerOf(OLD).seal('hunter2', CONTEXT)
    const opened = await sealerOf(NEW).open(sealed, CONTEXT)
    expect(opened).toMatchObject({ ok: false, error: { reason: 'unknown_key' } })
    expect(opened.ok ? '' : opened.error.message).toContain('ENCRYPTION_KEY')
  })

  it.each(['', 'hunter2', 'v1.a.b', 'v2.a.b.c', 'v1.a.AAAA.AAAA', 'v1.a.!!.AAAA', 'v1.a.b.c.d'])(
    'is not "%s"',
    async (text) => {
      const opened = await sealerOf(NEW).open(text, CONTEXT)
      expect(opened).toMatchObject({ ok: false, error: { reason: 'malformed' } })
    },
  )
})

describe('a sealer', () => {
  it.each(['', 'not base64!', 'AAAA', Buffer.alloc(16).toString('base64')])(
    'refuses the key "%s", naming the setting and not the value',
    (key) => {
      const options = {
        subtle: crypto.subtle,
        randomBytes: (length: number) => new Uint8Array(length),
      }
      const current = createSealer({ ...options, keys: { current: key } })
      expect(current.ok ? '' : current.error).toMatch(/^ENCRYPTION_KEY must be the base64 of 32/)
      if (key === '') return
      const previous = createSealer({ ...options, keys: { current: NEW, previous: key } })
      expect(previous.ok ? '' : previous.error).toMatch(/^ENCRYPTION_KEY_PREVIOUS must be/)
      expect(previous.ok ? '' : previous.error).not.toContain(key)
    },
  )
})
