import type { Random } from '../random.ts'
import type { ThrottleSettings } from './settings.ts'

type Form = Exclude<ThrottleSettings['retryAfter'], 'mixed'>

const FORMS: readonly Form[] = ['whole', 'decimal', 'date', 'missing', 'absurd']
const ABSURD = ['-1', '86400000', 'soon', 'NaN']
/** Beyond it nobody is expected to believe a Retry-After. */
const BELIEVABLE_SECONDS = 3600

/** The headers that tell how long to wait. A date stands beside the answer's own, by which it is to be read. */
export function retryAfterHeaders(
  form: ThrottleSettings['retryAfter'],
  milliseconds: number,
  { now, random }: { now: number; random: Random },
): Record<string, string> {
  const seconds = Math.max(1, Math.ceil(milliseconds / 1000))
  const exact = Math.max(1, Math.ceil(milliseconds)) / 1000
  const headers: Record<Form, Record<string, string>> = {
    whole: { 'Retry-After': String(seconds) },
    decimal: { 'Retry-After': exact.toFixed(3) },
    date: { 'Retry-After': httpDate(now + seconds * 1000), Date: httpDate(now) },
    missing: {},
    absurd: { 'Retry-After': ABSURD[random.below(ABSURD.length)] ?? '' },
  }
  return headers[form === 'mixed' ? (FORMS[random.below(FORMS.length)] ?? 'whole') : form]
}

/** Until when an answer's headers ask to wait, in milliseconds of the clock; undefined when they say nothing to go by. */
export function waitUntil(
  headers: Readonly<Record<string, string>>,
  now: number,
): number | undefined {
  const told = Object.entries(headers).find(([name]) => /^retry-after$/i.test(name))?.[1]
  if (told === undefined) return undefined
  const seconds = /^\d+(\.\d+)?$/.test(told) ? Number(told) : (Date.parse(told) - now) / 1000
  return seconds > 0 && seconds <= BELIEVABLE_SECONDS ? now + seconds * 1000 : undefined
}

/** A time as HTTP writes it, to the second. */
const httpDate = (milliseconds: number): string => new Date(milliseconds).toUTCString()
