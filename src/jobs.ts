import * as v from 'valibot'

import { dropExpiredTokens } from './db/access-token-store.ts'
import type { Database } from './db/client.ts'
import { dropOldEvents } from './db/event-retention.ts'
import { tellExpiringCredentials } from './db/expiring-credentials.ts'
import { safeErrorText } from './db/failure.ts'
import { dropOldKeys } from './db/idempotency-store.ts'
import type { ImportKey } from './db/import-store.ts'
import { dropOldJobs } from './db/job-store.ts'
import { dropOldRuns } from './db/reconciliation-schedule.ts'
import { forgetGoneAccounts } from './db/gone-accounts.ts'
import { dropOverwritten } from './db/overwritten-store.ts'
import { passwordContext } from './db/user-store.ts'
import { type Deps, directoryConnector, type ExportMessage, graphPorts } from './deps.ts'
import type { ImportPorts } from './directories/import-context.ts'
import { carryImportOn, ringSilentImports } from './directories/import-run.ts'
import { answerBells } from './export/answer-bells.ts'
import { type Bell, bellSchema } from './export/bell.ts'
import type { DrainPorts, DrainResult } from './export/drain.ts'
import { sweep } from './export/sweep.ts'
import { createTokenCache, type TokenCache } from './graph/token.ts'
import { redact } from './kernel/redact.ts'
import { randomToken } from './kernel/random.ts'
import { importUser } from './provisioning/import-user.ts'
import type { RunBell } from './reconcile/bell.ts'
import type { ReconcilePorts } from './reconcile/context.ts'
import { reconcile } from './reconcile/run.ts'
import { ringSilent, startDue } from './reconcile/schedule.ts'

/** What runs without a request. */
export interface Jobs {
  queue(batch: MessageBatch): Promise<void>
  scheduled(controller: Pick<ScheduledController, 'cron'>): Promise<void>
}

/** The cron triggers of wrangler.toml, letter by letter. */
const SWEEP = '* * * * *'
const DAILY = '17 3 * * *'
const RECONCILE = '*/15 * * * *'

/** D1 takes a thousand statements of one invocation: what runs of reconciliation and imports in it may ask for, all of them together. */
const ALONE = 800
const BESIDE_DRAINS = 150

/** The queue of wrangler.toml that takes what its consumer could not end. */
const DEAD_LETTERS = 'isthmus-export-dead'
const DEAD_LETTER_DELAY_SECONDS = 300

/** The consumers of the queues and of the cron triggers. */
export function createJobs(deps: Deps): Jobs {
  // Holds values and no promises, so it may outlive the message that filled it.
  const tokenCache = createTokenCache()
  return {
    async queue(batch) {
      const bells = batch.messages.flatMap((message) => readBell(deps, message.body))
      if (batch.queue === DEAD_LETTERS) await ringAgain(deps, bells)
      else await answerAll(deps, tokenCache, bells)
      // A bell carries nothing that could be lost: what is still to do is in the tables, and the sweep finds it.
      batch.ackAll()
    },
    async scheduled({ cron }) {
      if (cron === DAILY) await runDaily(deps)
      if (cron === RECONCILE) {
        const runs = await startDue({ ...reconcilePorts(deps, tokenCache), newId: deps.newId })
        if (runs > 0) deps.log({ message: 'reconciliations started', runs })
      }
      if (cron !== SWEEP) return
      const { bells, expiredPasswords } = await sweep(drainPorts(deps, tokenCache))
      const runs = await ringSilent(reconcilePorts(deps, tokenCache))
      const imports = await ringSilentImports(importPorts(deps, tokenCache))
      if (bells + expiredPasswords + runs + imports > 0)
        deps.log({ message: 'swept', bells, expiredPasswords, runs, imports })
    },
  }
}

/** Drains, runs of reconciliation and imports, side by side: the others only read of Graph, and wait where it is blocked. */
async function answerAll(
  deps: Deps,
  tokenCache: TokenCache,
  bells: readonly Bell[],
): Promise<void> {
  const runs = new Map(bells.flatMap((bell) => runBell(bell)))
  const imports = new Map(bells.flatMap((bell) => importBell(bell)))
  const drains = bells.filter(
    ({ reconciliationId, jobId }) => reconciliationId === undefined && jobId === undefined,
  )
  const share = Math.floor(
    (drains.length === 0 ? ALONE : BESIDE_DRAINS) / (runs.size + imports.size),
  )
  const [results] = await Promise.all([
    answerBells(() => drainPorts(deps, tokenCache), drains),
    ...[...runs.values()].map((bell) => carryOn(deps, tokenCache, bell, share)),
    ...[...imports.values()].map((key) => importOn(deps, tokenCache, key, share)),
  ])
  for (const result of results) logDrain(deps, result)
}

interface DailyTask {
  readonly name: string
  /** Gives how much it did. */
  readonly run: (database: Database, now: number) => Promise<number>
}

/**
 * A bell ends here when its consumer died with it again and again. What it rang for is still in the tables: it is logged for
 * the operator, and rung for again when whatever it was may be over.
 */
async function ringAgain(deps: Deps, bells: readonly Bell[]): Promise<void> {
  for (const bell of bells) {
    const { organizationId, directoryId = null } = bell
    deps.log({ level: 'error', message: 'a bell was a dead letter', organizationId, directoryId })
    await ring(deps, bell, DEAD_LETTER_DELAY_SECONDS)
  }
}

/** What is done once a day. */
const DAILY_TASKS: readonly DailyTask[] = [
  { name: 'expired access tokens dropped', run: dropExpiredTokens },
  { name: 'old jobs dropped', run: dropOldJobs },
  { name: 'old idempotency keys dropped', run: dropOldKeys },
  { name: 'old events dropped', run: dropOldEvents },
  { name: 'old reconciliations dropped', run: dropOldRuns },
  { name: 'expiring credentials told', run: tellExpiringCredentials },
  { name: 'overwritten values dropped', run: dropOverwritten },
  { name: 'gone accounts forgotten', run: forgetGoneAccounts },
]

/** Runs them one after the other; one that fails keeps none of the others from its turn. */
async function runDaily(deps: Deps): Promise<void> {
  for (const { name, run } of DAILY_TASKS) {
    try {
      const count = await run(deps.connect(), deps.clock.now())
      if (count > 0) deps.log({ message: name, count })
    } catch (thrown) {
      deps.log({
        level: 'error',
        message: 'daily task failed',
        task: name,
        error: describe(thrown),
      })
    }
  }
}

function readBell({ log }: Deps, body: unknown): Bell[] {
  const bell = v.safeParse(bellSchema, body)
  if (bell.success) return [bell.output]
  log({ level: 'error', message: 'a queue message is no bell', fields: Object.keys(Object(body)) })
  return []
}

const runBell = ({ organizationId, directoryId, reconciliationId }: Bell): [string, RunBell][] =>
  directoryId === undefined || reconciliationId === undefined
    ? []
    : [[reconciliationId, { organizationId, directoryId, reconciliationId }]]

const importBell = ({ organizationId, jobId }: Bell): [string, ImportKey][] =>
  jobId === undefined ? [] : [[jobId, { organizationId, jobId }]]

async function importOn(
  deps: Deps,
  tokenCache: TokenCache,
  key: ImportKey,
  maxStatements: number,
): Promise<void> {
  const steps = await carryImportOn(importPorts(deps, tokenCache, maxStatements), key)
  if (steps > 0) deps.log({ message: 'import', ...key, steps })
}

function importPorts(
  deps: Deps,
  tokenCache: TokenCache,
  maxStatements: number = ALONE,
): ImportPorts {
  return {
    maxStatements,
    database: deps.connect(),
    clock: deps.clock,
    subtle: crypto.subtle,
    connect: directoryConnector(deps, tokenCache),
    createUser: importUser,
    ring: (bell, delaySeconds) => ring(deps, bell, delaySeconds),
    reportBug: (thrown, key) =>
      deps.log({ level: 'error', message: 'import failed', ...key, error: describe(thrown) }),
  }
}

async function carryOn(
  deps: Deps,
  tokenCache: TokenCache,
  bell: RunBell,
  maxStatements: number,
): Promise<void> {
  const result = await reconcile(reconcilePorts(deps, tokenCache, maxStatements), bell)
  if (result.kind !== 'none') deps.log({ message: 'reconciliation', ...bell, ...result })
}

function reconcilePorts(
  deps: Deps,
  tokenCache: TokenCache,
  maxStatements: number = ALONE,
): ReconcilePorts {
  return {
    maxStatements,
    database: deps.connect(),
    clock: deps.clock,
    connect: directoryConnector(deps, tokenCache),
    ring: (bell, delaySeconds) => ring(deps, bell, delaySeconds),
    reportBug: (thrown, bell) =>
      deps.log({
        level: 'error',
        message: 'reconciliation failed',
        ...bell,
        error: describe(thrown),
      }),
  }
}

function logDrain({ log }: Deps, result: DrainResult): void {
  if (result.kind !== 'none') log({ message: 'drain', ...result })
}

function drainPorts(deps: Deps, tokenCache: TokenCache): DrainPorts {
  const { randomBytes, sealer, config } = deps
  return {
    ...graphPorts(deps, tokenCache),
    randomBytes,
    database: deps.connect(),
    sleep: deps.sleep,
    random: () => (randomBytes(1)[0] ?? 0) / 256,
    newToken: () => randomToken(randomBytes(16)),
    graphBase: config.GRAPH_BASE_URL,
    reportBug: (thrown, bell) =>
      deps.log({ level: 'error', message: 'drain failed', ...bell, error: describe(thrown) }),
    ring: (bell, delaySeconds) => ring(deps, bell, delaySeconds),
    async openPassword(organizationId, userId, sealed) {
      const opened = await sealer.open(sealed, passwordContext(organizationId, userId))
      if (opened.ok) return opened.value
      deps.log({
        level: 'error',
        message: 'a pending password does not open',
        why: opened.error.reason,
      })
      return undefined
    },
  }
}

/** The longest delay that a queue takes. */
const MAX_DELAY_SECONDS = 43_200

/** A bell that cannot be rung is logged and no more: the sweep rings for what lags. */
async function ring(deps: Deps, bell: ExportMessage, delaySeconds = 0): Promise<void> {
  try {
    await deps.config.EXPORT_QUEUE.send(bell, {
      delaySeconds: Math.min(delaySeconds, MAX_DELAY_SECONDS),
    })
  } catch (thrown) {
    deps.log({ level: 'warn', message: 'bell not rung', error: describe(thrown) })
  }
}

const describe = (thrown: unknown): string => redact(safeErrorText(thrown))
