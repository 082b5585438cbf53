/** Which gateway the operator's command line talks to, and as whom. Pure. */
import { err, ok, type Result } from '../../../src/kernel/result.ts'
import { DEMO } from '../demo-credentials.ts'
import { baseUrl } from '../network.ts'
import { DEFAULT_PORT } from '../options.ts'

export interface Connection {
  /** Of the admin API, without a slash at its end. */
  readonly url: string
  readonly apiKey: string | undefined
  readonly operatorToken: string | undefined
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * The local `npm run dev` with its demo credentials, unless options or environment say otherwise. `--remote` takes nothing
 * from there: the URL is `--url` or ISTHMUS_URL, the credentials are API_KEY and OPERATOR_TOKEN of the environment. The error
 * is a sentence for the terminal.
 */
export function connectionOf(
  { url: given, remote = false }: { readonly url?: string; readonly remote?: boolean },
  env: Environment,
): Result<Connection, string> {
  const text =
    given ?? (env['ISTHMUS_URL'] || undefined) ?? (remote ? undefined : baseUrl(DEFAULT_PORT))
  if (text === undefined)
    return err('--remote needs the address of the gateway: give --url, or set ISTHMUS_URL.')
  const url = URL.parse(text)
  if (url === null || !['http:', 'https:'].includes(url.protocol))
    return err(
      `"${text}" is no address of a gateway: give one such as https://isthmus.example.com.`,
    )
  const isLocal = /^(?:localhost|127\.0\.0\.1|\[::1\])$/.test(url.hostname)
  if (url.protocol === 'http:' && !isLocal)
    return err(`${url.origin} would be sent credentials in the clear: use https.`)
  // The demo credentials are public, and mean nothing but to a gateway on this machine.
  const demo = isLocal && !remote ? DEMO : undefined
  return ok({
    // Also where the address of the API itself was given.
    url: `${url.origin}${url.pathname.replace(/(?:\/api\/v1)?\/*$/, '')}/api/v1`,
    // What is set to nothing is not set: an empty credential is none.
    apiKey: env['API_KEY'] || demo?.apiKey,
    operatorToken: env['OPERATOR_TOKEN'] || demo?.operatorToken,
  })
}
