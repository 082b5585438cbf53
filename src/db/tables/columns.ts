import { integer, text } from 'drizzle-orm/sqlite-core'

/** Column helpers: every key begins with the organization, every time is integer milliseconds. */
export const organizationId = () => text('organization_id').notNull()
export const createdAt = () => integer('created_at').notNull()
export const modifiedAt = () => integer('modified_at').notNull()
export const flag = (name: string) => integer(name, { mode: 'boolean' }).notNull().default(false)
