/** Reads Graph's error envelope, which comes in several shapes, into one. */
import { isJsonArray, isJsonObject, type Json, type JsonObject } from '../kernel/json.ts'

export interface GraphErrorDetail {
  readonly code: string
  readonly target: string
}

/** Texts that are missing are empty. */
export interface GraphError {
  readonly code: string
  readonly message: string
  readonly details: readonly GraphErrorDetail[]
  readonly requestId?: string
}

/**
 * The error in an answer's body, wherever its parts are: `details` may be absent, an object or an array, `message` may be
 * an object. The request id is Graph's, from the headers (lower-case names) or the inner error.
 */
export function parseGraphError(
  body: Json | undefined,
  headers: Readonly<Record<string, string>>,
): GraphError {
  const envelope = memberObject(body, 'error')
  const inner = memberObject(envelope, 'innerError') ?? memberObject(envelope, 'innererror')
  const requestId =
    headers['request-id'] ?? textOf(inner, 'request-id') ?? textOf(inner, 'requestId')
  return {
    code: textOf(envelope, 'code') ?? '',
    message:
      textOf(envelope, 'message') ?? textOf(memberObject(envelope, 'message'), 'value') ?? '',
    details: detailsOf(envelope),
    ...(requestId === undefined ? {} : { requestId }),
  }
}

function detailsOf(envelope: JsonObject | undefined): readonly GraphErrorDetail[] {
  const details = envelope?.['details']
  const list = isJsonArray(details) ? details : [details]
  return list
    .filter((item) => isJsonObject(item))
    .map((item) => ({ code: textOf(item, 'code') ?? '', target: textOf(item, 'target') ?? '' }))
}

function memberObject(parent: Json | undefined, name: string): JsonObject | undefined {
  const member = isJsonObject(parent) ? parent[name] : undefined
  return isJsonObject(member) ? member : undefined
}

function textOf(parent: JsonObject | undefined, name: string): string | undefined {
  const member = parent?.[name]
  return typeof member === 'string' ? member : undefined
}
