/** The log as a file: every event that a search finds, newest first, read on while it is sent. */
import { listEvents, type EventQuery, type EventRow } from '../db/event-store.ts'
import type { Database } from '../db/client.ts'
import type { Json, JsonObject } from '../kernel/json.ts'
import { isJsonObject } from '../kernel/json.ts'
import { showEvent } from './show.ts'

export const EXPORT_FORMATS = ['ndjson', 'csv'] as const
export type ExportFormat = (typeof EXPORT_FORMATS)[number]

export const MEDIA: Readonly<Record<ExportFormat, string>> = {
  ndjson: 'application/x-ndjson',
  csv: 'text/csv; charset=utf-8; header=present',
}

/** Events a query: what is in memory at once. */
const PAGE = 500

export type EventSearch = Omit<EventQuery, 'before' | 'limit'>

/**
 * The file, a page of the log at a time and none before the reader asks for it. What cannot be read breaks the stream off,
 * so that half a log is never taken for all of it.
 */
export function exportEvents(
  database: Database,
  organizationId: string,
  search: EventSearch,
  format: ExportFormat,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  let before: number | undefined
  let head = format === 'csv' ? csvLine(COLUMNS) : ''
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        let text = head
        head = ''
        let isMore = true
        // A page may hold nothing and still have a successor.
        while (isMore && text === '') {
          const query = { ...search, before, limit: PAGE }
          const { items, nextBefore } = await listEvents(database, organizationId, query)
          text = items.map((row) => lineOf(row, format)).join('')
          before = nextBefore
          isMore = nextBefore !== undefined
        }
        if (text !== '') controller.enqueue(encoder.encode(text))
        if (!isMore) controller.close()
      },
    },
    { highWaterMark: 0 },
  )
}

function lineOf(row: EventRow, format: ExportFormat): string {
  const shown = showEvent(row)
  return format === 'csv' ? csvLine(cellsOf(shown)) : `${JSON.stringify(shown)}\n`
}

const COLUMNS = [
  'id',
  'sequence',
  'time',
  'type',
  'outcome',
  'actorType',
  'actorId',
  'actorName',
  'actorKeyId',
  'targetType',
  'targetId',
  'directoryId',
  'ip',
  'requestId',
  'changes',
  'details',
] as const

function cellsOf(event: JsonObject): Json[] {
  const { id, sequence, time, type, outcome, directoryId, changes, details } = event
  const inside = (name: string) => (isJsonObject(event[name]) ? event[name] : {})
  const actor = inside('actor')
  const target = inside('target')
  const origin = inside('origin')
  const cells = [
    id,
    sequence,
    time,
    type,
    outcome,
    actor['type'],
    actor['id'],
    actor['name'],
    actor['keyId'],
    target['type'],
    target['id'],
    directoryId,
    origin['ip'],
    origin['requestId'],
    changes,
    details,
  ]
  return cells.map((value) => value ?? null)
}

/** One line of CSV (RFC 4180). */
function csvLine(cells: readonly Json[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`
}

function csvCell(value: Json): string {
  if (value === null) return ''
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value)
  // Spreadsheets take what begins so for a formula, and people choose their own names.
  const harmless = typeof value === 'string' && /^[=+\-@\t\r\n]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless
}
