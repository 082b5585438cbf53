/** Small helpers around loopback ports and readiness. */
import { createServer } from 'node:net'

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

/** The status with which a URL answers; undefined when nobody does. */
export async function statusOf(url: string, init: RequestInit = {}): Promise<number | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(5000), ...init })
    await response.arrayBuffer()
    return response.status
  } catch {
    return undefined
  }
}

export const sleep = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds))

/** Waits until a URL answers with less than 500; false when `isOver` says that it never will, or time is up. */
export async function untilAnswers(
  url: string,
  { isOver, timeoutMs }: { isOver: () => boolean; timeoutMs: number },
): Promise<boolean> {
  const deadline = Date.now() + timeoutMs
  while (Date.now() < deadline && !isOver()) {
    const status = await statusOf(url)
    if (status !== undefined && status < 500) return true
    await sleep(50)
  }
  return false
}
