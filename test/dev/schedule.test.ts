import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { expect, it } from 'vitest'

import { dueCrons, ringUrl, untilNextMinute } from './schedule.ts'

const at = (time: string) => dueCrons(new Date(`2026-11-24T${time}Z`))

it('rings every minute, every quarter and once a day', () => {
  expect(at('10:07:00')).toEqual(['* * * * *'])
  expect(at('10:45:59')).toEqual(['* * * * *', '*/15 * * * *'])
  expect(at('03:17:00')).toEqual(['* * * * *', '17 3 * * *'])
  expect(at('15:17:00')).toEqual(['* * * * *'])
})

it('knows every cron of wrangler.toml', () => {
  const toml = readFileSync(join(import.meta.dirname, '../../wrangler.toml'), 'utf8')
  const [, list = ''] = /^crons = \[(.*)\]$/m.exec(toml) ?? []
  const configured = [...list.matchAll(/"([^"]+)"/g)].map(([, cron = '']) => cron)
  const rung = new Set(['00:00:00', '03:17:00'].flatMap(at))
  expect(configured.toSorted()).toEqual([...rung].toSorted())
})

it('spells a ring as wrangler dev takes it', () => {
  expect(ringUrl('http://127.0.0.1:8787', '*/15 * * * *', 5)).toBe(
    'http://127.0.0.1:8787/cdn-cgi/handler/scheduled?cron=*%2F15+*+*+*+*&time=5',
  )
  expect(untilNextMinute(60_001)).toBe(59_999)
  expect(untilNextMinute(120_000)).toBe(60_000)
})
