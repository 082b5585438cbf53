import { closeSync, mkdirSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { TenantEntry } from './options.ts'

/** An append-only file of log entries, one JSON text per line. */
export interface StateFile {
  readonly history: readonly TenantEntry[]
  readonly append: (entry: TenantEntry) => void
  readonly close: () => void
}

/**
 * Opens the file in a directory, made if need be. What was written has reached the kernel when `append`
 * returns, so it survives the death of this process (not of the machine: nothing is flushed to the disk).
 */
export function openStateFile(directory: string): StateFile {
  mkdirSync(directory, { recursive: true })
  const path = join(directory, 'graph.ndjson')
  const file = openSync(path, 'a+')
  const whole = wholeLines(readFileSync(path))
  // A death in the middle of a line leaves a piece of an entry that was never answered.
  truncateSync(path, whole.length)
  const lines = whole.toString('utf8').split('\n')
  return {
    history: lines.filter((line) => line !== '').map((line): TenantEntry => JSON.parse(line)),
    append: (entry) => {
      writeSync(file, `${JSON.stringify(entry)}\n`)
    },
    close: () => closeSync(file),
  }
}

const wholeLines = (bytes: Buffer): Buffer => bytes.subarray(0, bytes.lastIndexOf(0x0a) + 1)
