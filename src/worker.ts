import { createApp } from './app.ts'
import { createDeps, logLine, type ExportMessage } from './deps.ts'
import { createJobs, type Jobs } from './jobs.ts'
import { makeId } from './kernel/id.ts'

interface Program {
  readonly app: ReturnType<typeof createApp>
  readonly jobs: Jobs
}

/** Built once per environment, which is once per isolate: the settings are read and the routes made a single time. */
const programs = new WeakMap<object, Program>()

function programOf(env: Env): Program {
  const built = programs.get(env)
  if (built !== undefined) return built
  const deps = createDeps(env)
  const program = { app: createApp(deps), jobs: createJobs(deps) }
  programs.set(env, program)
  return program
}

export default {
  fetch(request, env, ctx) {
    try {
      return programOf(env).app.fetch(request, env, ctx)
    } catch (thrown) {
      // Only a wrong configuration gets here; its message names settings and no values.
      const error = thrown instanceof Error ? thrown.message : 'unknown'
      const requestId = makeId('req', Date.now(), crypto.getRandomValues(new Uint8Array(10)))
      logLine({ level: 'error', message: 'not configured', requestId, error })
      const headers = { 'X-Request-Id': requestId }
      const problem = { title: 'Not configured', status: 500, detail: error, requestId }
      return Response.json(problem, { status: 500, headers })
    }
  },
  queue: (batch, env) => programOf(env).jobs.queue(batch),
  scheduled: (controller, env) => programOf(env).jobs.scheduled(controller),
} satisfies ExportedHandler<Env, ExportMessage>
