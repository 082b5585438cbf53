/** What the commands make their requests of. */
import { InvalidArgumentError } from 'commander'

import { jsonErrorPlace } from '../../../src/kernel/json-place.ts'
import type { Request } from './client.ts'

/** Sends one request and prints its answer. */
export type Send = (request: Request) => Promise<void>
/** Reads every page of a list, or enough of them, and prints them as one. */
export type List = (path: string, enough?: number) => Promise<void>

export type Options = Readonly<Record<string, string | undefined>>

/** A part of a path, which cannot leave its place. */
export const segment = (id: string): string => encodeURIComponent(id)

export const directoryPath = (id: string): string => `/directories/${segment(id)}`

/** Without what was not given. */
export const given = (values: Readonly<Record<string, unknown>>): object =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))

/** The same of a change, which has to change something. */
export function some(values: Readonly<Record<string, unknown>>): object {
  const body = given(values)
  if (Object.keys(body).length > 0) return body
  throw new InvalidArgumentError('Say what is to be changed: give one of the options (--help).')
}

/** Reads JSON, which may hold secrets: where it is wrong is told, and nothing of it. */
export function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    const { line, column } = jsonErrorPlace(text)
    throw new InvalidArgumentError(`It is no JSON from line ${line}, column ${column} on.`)
  }
}

export function wholeNumber(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It has to be a whole number from 1.')
}
