/**
 * The arrows of the design, as rules. Run by test/architecture/architecture.test.ts, which also proves that each can fail.
 *
 *   entry      worker.ts -> app.ts (HTTP)   jobs.ts (queue, cron)   deps.ts
 *   features   organizations  provisioning  directories  export  reconcile  events  console
 *   adapters   http   db   graph
 *   core       scim   plan   kernel
 */
const ENTRY = '^src/(worker|app|jobs|deps)[.]tsx?$'
const CORE = '^src/(scim|plan|kernel)/'
const ADAPTERS = '^src/(http|db|graph)/'
const FEATURES = '^src/(organizations|provisioning|directories|export|reconcile|events)/'
const package = (name) => `(^|/)node_modules/${name}/`

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'core-knows-only-core',
      comment: 'scim, plan and kernel are pure: they import each other and nothing above them',
      severity: 'error',
      from: { path: CORE },
      to: { path: '^(src|test|drizzle)/', pathNot: CORE },
    },
    {
      name: 'kernel-knows-only-kernel',
      comment: 'kernel is the vocabulary that every room shares, so it knows no room',
      severity: 'error',
      from: { path: '^src/kernel/' },
      to: { path: '^src/', pathNot: '^src/kernel/' },
    },
    {
      name: 'scim-knows-only-kernel',
      comment: 'scim is the RFCs and nothing else: it does not know what Graph should hold',
      severity: 'error',
      from: { path: '^src/scim/' },
      to: { path: '^src/plan/' },
    },
    {
      name: 'core-has-no-vendor-but-valibot',
      comment: 'core imports no package but valibot, and nothing of the runtime',
      severity: 'error',
      from: { path: CORE },
      to: { pathNot: ['^(src|test|drizzle)/', package('valibot')] },
    },
    {
      name: 'adapters-look-down',
      comment: 'http, db and graph import core, never a feature',
      severity: 'error',
      from: { path: ADAPTERS },
      to: { path: '^src/[^/]+/', pathNot: [CORE, ADAPTERS] },
    },
    {
      name: 'adapters-are-strangers',
      comment: 'http, db and graph do not import each other',
      severity: 'error',
      from: { path: ADAPTERS },
      to: { path: ADAPTERS, pathNot: '^src/$1/' },
    },
    {
      name: 'features-are-strangers',
      comment: 'features meet in deps.ts only; console alone calls the others',
      severity: 'error',
      from: { path: FEATURES },
      to: { path: [FEATURES, '^src/console/'], pathNot: '^src/$1/' },
    },
    {
      name: 'only-db-knows-drizzle',
      comment: 'a query is written in db and nowhere else',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/db/' },
      to: { path: package('drizzle-orm') },
    },
    {
      name: 'only-db-knows-migrations',
      comment: 'what is in drizzle/ is read by db and nowhere else',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/db/', CORE] },
      to: { path: '^drizzle/' },
    },
    {
      name: 'nobody-imports-entry',
      comment: 'worker.ts, app.ts, jobs.ts and deps.ts wire everything; nothing below knows them',
      severity: 'error',
      // The types that wrangler generates name the entry; nothing is called through them.
      from: { path: '^src/', pathNot: [ENTRY, '^src/worker-env[.]d[.]ts$'] },
      to: { path: ENTRY },
    },
    {
      name: 'product-knows-no-test',
      comment: 'what is deployed does not depend on test/',
      severity: 'error',
      from: { path: '^src/', pathNot: CORE },
      to: { path: '^test/' },
    },
    {
      name: 'no-circles',
      comment: 'modules that need each other are one module, or a third is missing',
      severity: 'error',
      from: { path: '^src/' },
      to: { circular: true },
    },
    {
      name: 'no-blind-spots',
      comment: 'an import that cannot be found cannot be judged',
      severity: 'error',
      from: { path: '^src/' },
      to: { couldNotResolve: true, pathNot: '^cloudflare:' },
    },
  ],
  options: {
    // Type-only imports count: they tie rooms together as much as the others.
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['types', 'import', 'default'],
    },
  },
}
