/** How commands about many bindings, and memberships that bind users, are expanded: in D1 alone, a page in each batch. */
import { type SQL, sql } from 'drizzle-orm'

import { isJsonObject, type Json } from '../kernel/json.ts'
import { assertNever } from '../kernel/result.ts'
import { IS_BOUND_AGAIN, isAbout, tellOthers } from './answerable.ts'
import { tellAskedBefore } from './asked.ts'
import type { Database } from './client.ts'
import { actionStatements, type ExpansionAction } from './expansion-actions.ts'
import { extendLease, holdsLease, type LeaseKey } from './lease.ts'
import { isBindOf } from './undo-bindings.ts'
import { tellBoundMeanwhile, tellUnboundMeanwhile, tellUndoneMeanwhile } from './undo-store.ts'

/** Where the resources of an expansion come from, one after the other. */
export type ExpansionPhase =
  | { readonly from: 'list'; readonly ids: readonly string[] }
  | { readonly from: 'users' }
  | { readonly from: 'groups' }
  | { readonly from: 'bindings'; readonly kind: 'user' | 'group' }
  | { readonly from: 'members'; readonly groupId: string }

export interface Expansion {
  /** Of the command; of memberships: of the last change that is followed. */
  readonly sequence: number
  readonly action: ExpansionAction
  /** The event that is to be undone; null where the action is another. */
  readonly undone: number | null
  readonly phases: readonly ExpansionPhase[]
  /** Whoever is a member of one of these is bound, and whoever is a member of none no longer; null: groups bind nobody. */
  readonly groupIds: readonly string[] | null
  /** The log is followed beyond a command afterwards; a change of a group has still to be followed itself. */
  readonly isCommand: boolean
}

/** How many resources one batch looks at. */
const PER_BATCH = 2000

/** Where an expansion stands: in which phase, and behind which resource. */
interface Place {
  readonly phase: number
  readonly last: string
}

function placeOf(stored: Json | null, { sequence }: Expansion): Place {
  if (!isJsonObject(stored) || stored['sequence'] !== sequence) return { phase: 0, last: '' }
  const { phase, last } = stored
  return { phase: Number(phase), last: typeof last === 'string' ? last : '' }
}

/** Carries the next page of an expansion out and stores how far it came. Renews the lease. One round trip. */
export async function expandPage(
  database: Database,
  key: LeaseKey,
  expansion: Expansion,
  stored: Json | null,
  now: number,
): Promise<void> {
  const { sequence, isCommand } = expansion
  const place = placeOf(stored, expansion)
  const phase = expansion.phases[place.phase]
  const page =
    phase === undefined ? sql`SELECT NULL AS id WHERE FALSE` : pageOf(key, phase, place.last)
  const action = phase?.from === 'members' ? 'follow' : expansion.action
  const asked = { ...expansion, action, isNamed: phase?.from === 'list', now }
  const ids = sql`SELECT id FROM (${page})`
  await database.run(
    holdsLease(key),
    extendLease(key),
    ...(isCommand ? tellBefore(key, asked, ids) : []),
    ...actionStatements(key, asked, ids).flatMap((statement, at) =>
      at === 0 && isCommand ? [statement, reached(key, sequence)] : [statement],
    ),
    ...progress(key, expansion, place, page),
  )
}

type Asked = Parameters<typeof tellOthers>[1] & Pick<Expansion, 'undone'>

/** What jobs tell of the bindings of `ids` as the command finds them. */
function tellBefore(key: LeaseKey, asked: Asked, ids: SQL): SQL[] {
  const { action, sequence, undone } = asked
  const askedBefore = (about: SQL) => tellAskedBefore(key, asked, about, ids)
  switch (action) {
    case 'bind':
      return [
        askedBefore(IS_BOUND_AGAIN),
        tellBoundMeanwhile(key, sequence, ids),
        ...tellOthers(key, asked, ids),
      ]
    case 'undo':
      return [
        askedBefore(isBindOf(undone ?? 0)),
        tellUndoneMeanwhile(key, { sequence, undone: undone ?? 0 }, ids),
      ]
    case 'unbind': {
      const about = isAbout('unbind', asked)
      return [
        askedBefore(about),
        tellUnboundMeanwhile(key, about, ids),
        ...tellOthers(key, asked, ids),
      ]
    }
    case 'export':
    case 'replay':
    case 'approve':
      return [askedBefore(isAbout(action, asked)), ...tellOthers(key, asked, ids)]
    case 'reject':
      return tellOthers(key, asked, ids)
    default:
      return []
  }
}

/** The job of a command counts what the statement before met. */
const reached = ({ organizationId }: LeaseKey, sequence: number): SQL =>
  sql`UPDATE job SET reached = reached + changes()
    WHERE organization_id = ${organizationId} AND sequence = ${sequence}`

/** A list, and whatever is left of the last phase, end with this page. */
function progress(key: LeaseKey, expansion: Expansion, place: Place, page: SQL): SQL[] {
  const { sequence, phases, isCommand } = expansion
  const here = sql`organization_id = ${key.organizationId} AND id = ${key.directoryId}`
  const last = sql`(SELECT max(id) FROM (${page}))`
  const isFull = sql`(SELECT count(*) FROM (${page})) >= ${PER_BATCH}`
  const isLastPhase = place.phase + 1 >= phases.length
  const at = (phase: number, id: SQL) =>
    sql`json_object('sequence', ${sequence}, 'phase', ${phase}, 'last', ${id})`
  const over = isCommand ? sql`NULL` : sql`json_object('through', ${sequence})`
  const next = isLastPhase ? over : at(place.phase + 1, sql`''`)
  const isOver = isLastPhase ? sql`NOT ${isFull}` : sql`FALSE`
  const update = sql`UPDATE directory SET
      expansion = CASE WHEN ${isFull} THEN ${at(place.phase, last)} ELSE ${next} END
      ${isCommand ? sql`, position = CASE WHEN ${isOver} THEN max(position, ${sequence}) ELSE position END` : sql``}
    WHERE ${here}`
  if (!isCommand || !isLastPhase) return [update]
  return [
    update,
    sql`UPDATE job SET ended = 1 WHERE organization_id = ${key.organizationId}
      AND sequence = ${sequence} AND ${isOver}`,
  ]
}

/** The ids of the next resources of a phase. */
function pageOf(key: LeaseKey, phase: ExpansionPhase, after: string): SQL {
  const { organizationId, directoryId } = key
  const behind = (id: SQL) => sql`${id} > ${after} ORDER BY ${id} LIMIT ${PER_BATCH}`
  switch (phase.from) {
    case 'list':
      return sql`SELECT value AS id FROM json_each(${JSON.stringify(phase.ids)}) WHERE ${behind(sql`value`)}`
    case 'users':
      return sql`SELECT id FROM user WHERE organization_id = ${organizationId} AND ${behind(sql`id`)}`
    case 'groups':
      return sql`SELECT id FROM "group" WHERE organization_id = ${organizationId} AND ${behind(sql`id`)}`
    case 'bindings':
      return sql`SELECT resource_id AS id FROM binding WHERE organization_id = ${organizationId}
        AND directory_id = ${directoryId} AND kind = ${phase.kind} AND ${behind(sql`resource_id`)}`
    case 'members':
      return sql`SELECT member_id AS id FROM group_member WHERE organization_id = ${organizationId}
        AND group_id = ${phase.groupId} AND ${behind(sql`member_id`)}`
    default:
      return assertNever(phase)
  }
}

/** Follows the log beyond a command that asks for nothing more. */
export async function passCommand(
  database: Database,
  key: LeaseKey,
  sequence: number,
): Promise<void> {
  await database.run(
    holdsLease(key),
    sql`UPDATE directory SET position = max(position, ${sequence})
      WHERE organization_id = ${key.organizationId} AND id = ${key.directoryId}`,
  )
}
