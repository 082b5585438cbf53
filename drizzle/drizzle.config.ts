import { defineConfig } from 'drizzle-kit'

export default defineConfig({
  dialect: 'sqlite',
  schema: './src/db/tables/*.ts',
  out: './drizzle',
  tablesFilter: ['!d1_migrations', '!_cf_*'],
})
