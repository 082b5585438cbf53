import { deltaErrors } from '../errors.ts'
import type { Kind } from '../schema.ts'

/** What a round is about; its query options are baked into the tokens. */
export interface RoundQuery {
  readonly tenant: string
  readonly kind: Kind
  /** As it was asked for; null for the default properties. */
  readonly select: readonly string[] | null
  /** The ids of a `$filter`; null for every object. */
  readonly ids: readonly string[] | null
}

/** A place in the log, or on a page of the round between two places. */
export interface DeltaToken extends RoundQuery {
  readonly generation: number
  readonly issuedAt: number
  /** The round tells what came after this entry of the log. */
  readonly from: number
  /** The page tokens of one round: up to which entry, and which row is next. */
  readonly page?: { readonly to: number; readonly offset: number; readonly isAfterEmpty?: boolean }
}

/** As opaque as the service's own. */
export const encodeToken = (token: DeltaToken): string =>
  btoa(JSON.stringify(token)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')

/** Reads a token of this tenant and kind, or throws the service's 400. */
export function decodeToken(
  text: string,
  expected: Pick<RoundQuery, 'tenant' | 'kind'>,
): DeltaToken {
  const token = parsed(text)
  if (token?.tenant !== expected.tenant || token.kind !== expected.kind)
    throw deltaErrors.badToken()
  return token
}

function parsed(text: string): DeltaToken | undefined {
  try {
    return JSON.parse(atob(text.replaceAll('-', '+').replaceAll('_', '/')))
  } catch {
    return undefined
  }
}
