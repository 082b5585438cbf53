import { type ErrorTrace, type GraphError, errorBody } from './errors.ts'
import { type Answer, type GraphRequest, answer } from './exchange.ts'
import { type World, toGraphTime } from './world.ts'

/** The ids by which an answer can be found again in the service's own logs. */
export function traceOf(world: World, request: GraphRequest): ErrorTrace {
  const requestId = world.random.guid()
  return {
    requestId,
    clientRequestId: request.headers.get('client-request-id') ?? requestId,
    date: toGraphTime(world.now()).replace(/Z$/, ''),
  }
}

/** An error as an answer. */
export const errorAnswer = (error: GraphError, trace: ErrorTrace): Answer =>
  answer(error.status, errorBody(error, trace), error.headers)

/** The headers that every Graph response carries. */
export const traceHeaders = (trace: ErrorTrace): Record<string, string> => ({
  'request-id': trace.requestId,
  'client-request-id': trace.clientRequestId,
})
