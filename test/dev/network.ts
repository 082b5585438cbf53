/** Small helpers around loopback ports and readiness. */
import { createServer } from 'node:net'

import { err, ok, type Result } from '../../src/kernel/result.ts'

export const LOOPBACK = '127.0.0.1'
export const baseUrl = (port: number): string => `http://${LOOPBACK}:${port}`

/** True when nobody listens on the port. */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, LOOPBACK, () => server.close(() => resolve(true)))
  })
}

export interface Answer {
  readonly status: number
  readonly text: string
}

/** What a URL answers; undefined when nobody does. */
export async function answerOf(url: string, init: RequestInit = {}): Promise<Answer | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(5000), ...init })
    return { status: response.status, text: await response.text() }
  } catch {
    return undefined
  }
}

export const sleep = (milliseconds: number, { keepsAlive = true } = {}): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds)
    if (!keepsAlive) timer.unref()
  })

/** A 5xx that lasts this long is no start any more but a fault. */
const FAULT_MS = 3000

/**
 * Waits until a URL answers with less than 500. Otherwise tells why not: what it answered instead, or undefined when
 * nobody answered before `isOver` said that nobody will, or before time was up.
 */
export async function untilAnswers(
  url: string,
  { isOver, timeoutMs }: { isOver: () => boolean; timeoutMs: number },
): Promise<Result<true, string | undefined>> {
  const deadline = Date.now() + timeoutMs
  let faultySince: number | undefined
  while (Date.now() < deadline && !isOver()) {
    const answer = await answerOf(url)
    if (answer !== undefined && answer.status < 500) return ok(true)
    faultySince = answer && (faultySince ?? Date.now())
    if (answer !== undefined && faultySince !== undefined && Date.now() - faultySince > FAULT_MS)
      return err(`${answer.status} ${answer.text.slice(0, 500)}`)
    await sleep(50)
  }
  return err(undefined)
}
