/** Rows about the service: throttling, access, what is not found, reading, and what works later or never. */
import {
  CONSENT_NEEDED,
  OUR_FAULT,
  PERMISSION_MISSING,
  PRIVILEGED_TARGET,
  QUOTA_EXCEEDED,
} from './outcome-texts.ts'
import type { OutcomeRow, RowOutcome } from './outcome-row.ts'
import type { Purpose } from './outcome-types.ts'

const NOT_FOUND = 'Request_ResourceNotFound'
const DENIED = 'Authorization_RequestDenied'
const DELETIONS: readonly Purpose[] = [
  'remove_member',
  'remove_manager',
  'delete_user',
  'delete_group',
]

const bug = (code: string): RowOutcome => ({ kind: 'permanent', code, text: OUR_FAULT })

export const THROTTLES: readonly OutcomeRow[] = [
  { name: 'throttled', status: [429], outcome: { kind: 'throttled' } },
  {
    name: 'throttled under another status',
    code: ['TooManyRequests', 'activityLimitReached', 'Request_ThrottledTemporarily'],
    outcome: { kind: 'throttled' },
  },
]

export const ACCESS: readonly OutcomeRow[] = [
  {
    name: 'the token expired',
    status: [401],
    code: ['InvalidAuthenticationToken'],
    outcome: { kind: 'retry', reason: 'token_expired' },
  },
  {
    name: 'the application is not known in the tenant',
    status: [401],
    outcome: { kind: 'authError', scope: 'connection', text: CONSENT_NEEDED },
  },
  {
    name: 'the tenant or the object is full',
    status: [400, 403],
    code: ['Directory_QuotaExceeded'],
    outcome: { kind: 'permanent', code: 'quota_exceeded', text: QUOTA_EXCEEDED },
  },
  {
    name: 'a sensitive change of a privileged account',
    status: [403],
    code: [DENIED],
    when: 'sensitive',
    outcome: { kind: 'privilegedTarget', text: PRIVILEGED_TARGET },
  },
  {
    name: 'a permission is missing',
    status: [403],
    code: [DENIED],
    outcome: { kind: 'authError', scope: 'operation', text: PERMISSION_MISSING },
  },
]

export const NOT_FOUNDS: readonly OutcomeRow[] = [
  {
    name: 'there is no manager to remove',
    status: [404],
    code: [NOT_FOUND],
    says: { message: /^Resource 'manager' does not exist/i },
    purposes: ['remove_manager'],
    outcome: { kind: 'alreadyDone' },
  },
  {
    name: 'a young object is not found',
    status: [404],
    code: [NOT_FOUND],
    when: 'young',
    outcome: { kind: 'notReplicated', afterSeconds: 2 },
  },
  {
    name: 'what should go is gone',
    status: [404],
    code: [NOT_FOUND],
    purposes: DELETIONS,
    outcome: { kind: 'alreadyDone' },
  },
  {
    name: 'the object is not found',
    status: [404],
    code: [NOT_FOUND],
    outcome: { kind: 'missing' },
  },
  // A 404 that names no missing resource is no evidence that somebody's account is gone.
  {
    name: 'not found, without saying what',
    status: [404],
    outcome: { kind: 'retry', reason: 'not_found_unclear' },
  },
]

export const READING: readonly OutcomeRow[] = [
  {
    name: 'the page token expired',
    code: ['Directory_ExpiredPageToken'],
    outcome: { kind: 'restart', from: 'first_page' },
  },
  {
    name: 'the delta token is dead',
    code: ['syncStateNotFound', 'resyncRequired'],
    outcome: { kind: 'restart', from: 'baseline' },
  },
  {
    name: 'gone',
    status: [410],
    purposes: ['read'],
    outcome: { kind: 'restart', from: 'baseline' },
  },
]

export const OUR_FAULTS: readonly OutcomeRow[] = [
  {
    name: 'the query is not supported',
    status: [400],
    code: ['Request_UnsupportedQuery'],
    outcome: bug('unsupported_query'),
  },
  {
    name: '$count without ConsistencyLevel',
    status: [400],
    says: { message: /^\$count is not currently supported/i },
    outcome: bug('unsupported_query'),
  },
  {
    name: 'the URL is wrong',
    status: [400],
    code: ['Request_InvalidRequestUrl'],
    outcome: bug('bad_url'),
  },
  {
    name: 'a segment of the URL is wrong',
    status: [400],
    says: { message: /^Resource not found for the segment/i },
    outcome: bug('bad_url'),
  },
  { name: 'the method is wrong', status: [405], outcome: bug('bad_method') },
  { name: 'the request is malformed', status: [413, 415, 422], outcome: bug('malformed') },
  { name: 'not implemented by Graph', status: [501], outcome: bug('not_implemented') },
]

export const LATER: readonly OutcomeRow[] = [
  {
    name: 'the object changed meanwhile',
    status: [412],
    outcome: { kind: 'retry', reason: 'precondition' },
  },
  { name: 'locked', status: [423], outcome: { kind: 'retry', reason: 'locked' } },
  {
    name: 'an earlier request of the chain failed',
    status: [424],
    outcome: { kind: 'retry', reason: 'earlier_failed', free: true },
  },
  {
    name: 'Graph is out of storage or bandwidth',
    status: [507, 509],
    outcome: { kind: 'retry', reason: 'out_of_resources', afterSeconds: 600 },
  },
  // Even a 503 may come after the write: only a read is simply repeated.
  { name: 'Graph failed', status: [408, 500, 502, 503, 504], outcome: { kind: 'serverError' } },
]
