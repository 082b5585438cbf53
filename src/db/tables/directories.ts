import { sql } from 'drizzle-orm'
import {
  index,
  integer,
  primaryKey,
  real,
  sqliteTable,
  text,
  uniqueIndex,
} from 'drizzle-orm/sqlite-core'

import type { Json, JsonObject } from '../../kernel/json.ts'
import { createdAt, flag, modifiedAt, organizationId } from './columns.ts'

/** One Microsoft 365 tenant. The lease's holder alone writes positions, intent and bindings. */
export const directory = sqliteTable(
  'directory',
  {
    organizationId: organizationId(),
    id: text('id').notNull(),
    name: text('name').notNull(),
    /** As the administrator names it: its id, or one of its domains. */
    tenantId: text('tenant_id').notNull(),
    /** The tenant's id, as Entra ID told it; null until it has. */
    tenantGuid: text('tenant_guid'),
    clientId: text('client_id').notNull(),
    credentialType: text('credential_type', {
      enum: ['client_secret', 'certificate', 'federated'],
    }).notNull(),
    /** Sealed; null where the credential holds no secret. */
    credential: text('credential'),
    credentialExpiresAt: integer('credential_expires_at'),
    settings: text('settings', { mode: 'json' }).$type<JsonObject>().notNull(),
    state: text('state', { enum: ['active', 'paused', 'auth_error'] }).notNull(),
    stateReason: text('state_reason'),
    /** The sequence up to which the log was followed, and up to which its urgent events were. */
    position: integer('position').notNull(),
    urgentPosition: integer('urgent_position').notNull(),
    leaseToken: text('lease_token'),
    leaseUntil: integer('lease_until').notNull().default(0),
    /** What the holder of the lease is about to write; whoever takes over an expired lease treats it as unknown. */
    intent: text('intent', { mode: 'json' }).$type<Json>(),
    /** Where the expansion of a command about many resources stands. */
    expansion: text('expansion', { mode: 'json' }).$type<JsonObject>(),
    /** How many accounts were disabled or deleted lately, minute by minute, and how many are bound: for the threshold. */
    removals: text('removals', { mode: 'json' }).$type<JsonObject>(),
    /** The tenant's verified domains as they were read last, and those that users wait for. */
    domains: text('domains', { mode: 'json' }).$type<JsonObject>(),
    /** Where the last comparison with Graph ended: from there Graph tells what changed since. */
    deltaLink: text('delta_link', { mode: 'json' }).$type<JsonObject>(),
    lastDrain: text('last_drain', { mode: 'json' }).$type<JsonObject>(),
    lastError: text('last_error', { mode: 'json' }).$type<JsonObject>(),
    createdAt: createdAt(),
    modifiedAt: modifiedAt(),
  },
  (table) => [
    primaryKey({ columns: [table.organizationId, table.id] }),
    uniqueIndex('directory_by_tenant').on(table.organizationId, table.tenantId),
  ],
)

/** Write quota that is shared by whoever has the key: app and tenant, tenant, or app id. */
export const lane = sqliteTable('lane', {
  key: text('key').primaryKey(),
  tokens: real('tokens').notNull(),
  refilledAt: integer('refilled_at').notNull(),
  blockedUntil: integer('blocked_until').notNull().default(0),
})

export const attributeDirection = sqliteTable(
  'attribute_direction',
  {
    organizationId: organizationId(),
    directoryId: text('directory_id').notNull(),
    attribute: text('attribute').notNull(),
    direction: text('direction', { enum: ['export', 'import', 'exclude'] }).notNull(),
    /** The event of its last change. */
    sequence: integer('sequence').notNull(),
    /**
     * What was exported before this event no longer counts as known; null: before the last change. It is the change to `export` while
     * the attribute is not exported, and once an undoing exports it again: nothing of what counted then is sent anew.
     */
    countsSince: integer('counts_since'),
  },
  (table) => [primaryKey({ columns: [table.organizationId, table.directoryId, table.attribute] })],
)

/** The link of a user or group to its Graph object: what was last exported, what is owed and when to try. */
export const binding = sqliteTable(
  'binding',
  {
    organizationId: organizationId(),
    directoryId: text('directory_id').notNull(),
    kind: text('kind', { enum: ['user', 'group'] }).notNull(),
    resourceId: text('resource_id').notNull(),
    graphId: text('graph_id'),
    state: text('state', {
      enum: ['pending', 'synced', 'owed', 'failed', 'held', 'unbinding', 'former'],
    }).notNull(),
    /** Why it exists: an administrator bound it, everybody is bound, or a group it is in. */
    reason: text('reason', { enum: ['manual', 'all', 'groups'] }).notNull(),
    /** What Graph was told, by attribute. */
    snapshot: text('snapshot', { mode: 'json' }).$type<JsonObject>().notNull(),
    /** Attributes whose last write has no answer: they differ from every value. */
    unknown: text('unknown', { mode: 'json' }).$type<readonly string[]>().notNull(),
    /** The log's end when it was last exported. */
    exportedSequence: integer('exported_sequence').notNull().default(0),
    exportedAt: integer('exported_at'),
    /** The userPrincipalName of a create that has no answer, and when it was sent. */
    creatingAs: text('creating_as'),
    creatingSince: integer('creating_since'),
    /**
     * The Graph id of the account that its user was imported from: that one is adopted or none, and nothing is created. Null once it
     * is, and where the account is looked for by its name.
     */
    adopting: text('adopting'),
    /** Null when nothing is owed. */
    dueAt: integer('due_at'),
    /** 1: what is owed came of an urgent event, and is tried before the rest. */
    urgency: integer('urgency').notNull().default(0),
    attempts: integer('attempts').notNull().default(0),
    error: text('error', { mode: 'json' }).$type<JsonObject>(),
    /** Graph id of the manager that Graph was told, so that reports are found when it changes. */
    managerGraphId: text('manager_graph_id'),
    /** The sequence of the last password that was delivered or refused here. */
    passwordSequence: integer('password_sequence').notNull().default(0),
    /** The sequence of the last password that was delivered into this account; null when none was. */
    deliveredSequence: integer('delivered_sequence'),
    /** A group whose members are still compared as a whole: the last member id that was. */
    memberCursor: text('member_cursor'),
    /** Kept when it becomes `former`: who may take the account over. */
    externalId: text('external_id'),
    /**
     * Who ends it: an administrator, the groups that it existed for, or the undoing of its bind, which leaves the account as it was. Set with the state `unbinding`; while it is set, the binding ends,
     * whatever the state, also when the ending is held. Kept when it is `former`, null once it is bound again.
     */
    unboundBy: text('unbound_by', { enum: ['admin', 'groups', 'undo'] }),
    /**
     * Whether an administrator is asked about what is held, and what the answer is. The drain sets `asked` when it holds a binding
     * (for the threshold, or for an account that has the name). A command answers: on every binding that is `asked` it sets
     * `approved` or `rejected` and `due_at`, and leaves the state as it is. The next round obeys and forgets the answer: approved, it
     * carries out what is desired by then, or adopts the account where that is safe, and else holds it again; rejected, the account
     * stays as it is, the binding has failed, and the answer is kept until nobody is to be taken away any more, or somebody asks for
     * this very binding; for one without an account until its user has another address. Null: nothing is asked.
     */
    approval: text('approval', { enum: ['asked', 'approved', 'rejected'] }),
    /**
     * The log's end when an administrator was last asked about it: a command that is older answers something else. Set where the
     * binding is written.
     */
    heldSequence: integer('held_sequence'),
    /** When its account was last disabled or deleted, so that a repeated write counts once for the threshold. */
    takenAt: integer('taken_at'),
    /** The sequence of the command that asked last for what is owed; null when none did, or when it has been carried out. */
    askedSequence: integer('asked_sequence'),
    /** The sequences of those that asked before it and wait for the same. */
    askedBefore: text('asked_before', { mode: 'json' }).$type<readonly number[]>(),
    /** The sequence of the undoing that is not through with it: to its job is told what becomes of what is put back. */
    undoSequence: integer('undo_sequence'),
    /** When we deleted its account: for 30 days Microsoft 365 can bring it back. */
    deletedAt: integer('deleted_at'),
    /** The event that bound it: a command, or the creation of its user; null where groups did. */
    boundSequence: integer('bound_sequence'),
    /** When it took over an account that was there before: what that one held is kept before it is overwritten. */
    adoptedAt: integer('adopted_at'),
    /** What its account held before, and is to hold again: sent once, attribute by attribute. Null: nothing. */
    restoring: text('restoring', { mode: 'json' }).$type<JsonObject>(),
    /**
     * What reconciliation found of a binding, or an undoing gives back to it, or the link that it waited for, where something else was
     * refused, is held or waits: it alone is tried while this is set. Whatever else calls the binding calls it for everything. Null: everything
     * that is owed is tried, when it is due.
     */
    found: text('found', { mode: 'json' }).$type<readonly string[]>(),
    /** While `found` is set: when the rest of what it owes is tried, which waits. Null: that rests. */
    restDueAt: integer('rest_due_at'),
  },
  (table) => [
    primaryKey({
      columns: [table.organizationId, table.directoryId, table.kind, table.resourceId],
    }),
    uniqueIndex('binding_by_graph_id')
      .on(table.organizationId, table.directoryId, table.graphId)
      .where(sql`graph_id IS NOT NULL`),
    index('binding_due')
      .on(table.organizationId, table.directoryId, table.urgency, table.dueAt)
      .where(sql`due_at IS NOT NULL`),
    index('binding_deleted_by_person')
      .on(table.organizationId, table.directoryId, table.externalId)
      .where(sql`deleted_at IS NOT NULL`),
    index('binding_deleted_by_name')
      .on(table.organizationId, table.directoryId, sql`lower(snapshot ->> 'email')`)
      .where(sql`deleted_at IS NOT NULL`),
    index('binding_adopted')
      .on(table.organizationId, table.directoryId, table.adoptedAt)
      .where(sql`adopted_at IS NOT NULL`),
    // Nothing asks for it any more. It is left, because the code that is deployed while migrations run asks for it by name.
    index('binding_missing')
      .on(table.organizationId, table.directoryId, table.graphId)
      .where(sql`state = 'failed' AND error ->> '$.code' = 'object_missing'`),
    index('binding_by_manager')
      .on(table.organizationId, table.directoryId, table.managerGraphId)
      .where(sql`manager_graph_id IS NOT NULL`),
    index('binding_asked')
      .on(table.organizationId, table.directoryId, table.askedSequence)
      .where(sql`asked_sequence IS NOT NULL`),
    index('binding_asked_before')
      .on(table.organizationId, table.directoryId)
      .where(sql`asked_before IS NOT NULL`),
    index('binding_undone')
      .on(table.organizationId, table.directoryId, table.undoSequence)
      .where(sql`undo_sequence IS NOT NULL`),
  ],
)

/**
 * What Microsoft 365 held of an account before a bind or a change of a direction overwrote it: kept for 30 days, so that it can be
 * undone. One row for all that one event overwrote of one account.
 */
export const overwritten = sqliteTable(
  'overwritten',
  {
    organizationId: organizationId(),
    directoryId: text('directory_id').notNull(),
    userId: text('user_id').notNull(),
    /** The event that made us overwrite it. */
    sequence: integer('sequence').notNull(),
    graphId: text('graph_id').notNull(),
    /** By attribute, each in a list of its own, so that a blank is a value like any other. */
    held: text('held', { mode: 'json' }).$type<JsonObject>().notNull(),
    createdAt: createdAt(),
  },
  (table) => [
    primaryKey({
      columns: [table.organizationId, table.directoryId, table.userId, table.sequence],
    }),
  ],
)

/** The memberships that Graph is known to hold, by Graph id of the member. */
export const exportedMember = sqliteTable(
  'exported_member',
  {
    organizationId: organizationId(),
    directoryId: text('directory_id').notNull(),
    groupId: text('group_id').notNull(),
    memberId: text('member_id').notNull(),
    graphId: text('graph_id').notNull(),
    /** A write about it has no answer: it differs from being there and from not being there. */
    unknown: flag('unknown'),
    /** When it was last added: Graph's replicas may not know of it for some minutes. */
    exportedAt: integer('exported_at').notNull(),
    /** Whether the account was in the group before we added it; null where Graph has not said. */
    wasThere: integer('was_there', { mode: 'boolean' }),
  },
  (table) => [
    primaryKey({
      columns: [table.organizationId, table.directoryId, table.groupId, table.memberId],
    }),
    index('exported_member_unknown')
      .on(table.organizationId, table.directoryId, table.groupId)
      .where(sql`unknown = 1`),
  ],
)

/** The memberships of accounts that may be in the recycle bin of Microsoft 365, which gives them back with the account. */
export const formerMembership = sqliteTable(
  'former_membership',
  {
    organizationId: organizationId(),
    directoryId: text('directory_id').notNull(),
    /** Of the account. */
    graphId: text('graph_id').notNull(),
    groupId: text('group_id').notNull(),
    leftAt: integer('left_at').notNull(),
    /** As it was exported. */
    wasThere: integer('was_there', { mode: 'boolean' }),
  },
  (table) => [
    primaryKey({
      columns: [table.organizationId, table.directoryId, table.graphId, table.groupId],
    }),
  ],
)

/** A manager or member without a Graph id, and who waits for it. */
export const awaited = sqliteTable(
  'awaited',
  {
    organizationId: organizationId(),
    directoryId: text('directory_id').notNull(),
    awaitedId: text('awaited_id').notNull(),
    waiterId: text('waiter_id').notNull(),
  },
  (table) => [
    primaryKey({
      columns: [table.organizationId, table.directoryId, table.awaitedId, table.waiterId],
    }),
    index('awaited_by_waiter').on(table.organizationId, table.directoryId, table.waiterId),
  ],
)
