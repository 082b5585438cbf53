/**
 * Runs something under a signal that aborts it after so long, and leaves no timer behind: a runtime takes ten thousand of them
 * at a time, and one of `AbortSignal.timeout` lasts until its end, whatever became of its request.
 */
export async function withDeadline<T>(
  milliseconds: number,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = new AbortController()
  const timer = setTimeout(() => deadline.abort(), milliseconds)
  try {
    return await run(deadline.signal)
  } finally {
    clearTimeout(timer)
  }
}
