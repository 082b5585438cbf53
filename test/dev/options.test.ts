import { resolve } from 'node:path'

import { describe, expect, it } from 'vitest'

import { parseDemoOptions, parseDevOptions, parseKillOptions, VARIABLES } from './options.ts'

const errorOf = (...args: string[]): string => {
  const parsed = parseDevOptions(args)
  return parsed.ok ? '' : parsed.error
}

describe('options of npm run dev', () => {
  it('have defaults', () => {
    expect(parseDevOptions([])).toEqual({
      ok: true,
      value: {
        port: 8787,
        fresh: false,
        state: resolve('.wrangler/dev'),
        graph: undefined,
        variables: {},
      },
    })
  })

  it('are read', () => {
    const args = ['--port', '9000', '--fresh', '--state', '/tmp/x', '--var', 'RATE_LIMIT=on']
    const graph = ['--graph-url', 'http://127.0.0.1:1/v1.0/', '--login-url=http://127.0.0.1:1']
    expect(parseDevOptions([...args, ...graph, '--var', 'PUBLIC_URL=https://a/?b=c'])).toEqual({
      ok: true,
      value: {
        port: 9000,
        fresh: true,
        state: '/tmp/x',
        graph: { graphUrl: 'http://127.0.0.1:1/v1.0', loginUrl: 'http://127.0.0.1:1' },
        variables: { RATE_LIMIT: 'on', PUBLIC_URL: 'https://a/?b=c' },
      },
    })
  })

  it.each([
    [['--prot', '1'], "Unknown option '--prot'"],
    [['start'], "Unexpected argument 'start'"],
    [['--port'], "Option '--port <value>' argument missing"],
    [['--fresh=yes'], "Option '--fresh' does not take an argument"],
  ])('%j: says what is wrong and what is accepted', (args, problem) => {
    const error = errorOf(...args)
    expect(error).toContain(problem)
    expect(error).toContain('--graph-url URL')
  })

  it.each(['0', '65535', 'x', '', '8787.5', '123456'])('refuse the port "%s"', (port) => {
    expect(errorOf(`--port=${port}`)).toContain('--port must be a number from 1 to 65534')
  })

  it('take another Graph only together with its token host', () => {
    expect(errorOf('--graph-url', 'http://g')).toContain('--login-url')
    expect(errorOf('--login-url', 'http://g')).toContain('--graph-url')
    expect(errorOf('--graph-url', 'g', '--login-url', 'http://g')).toContain('--graph-url must be')
    expect(errorOf('--graph-url', 'http://g', '--login-url', 'ftp://g')).toContain(
      '--login-url must',
    )
  })

  it('know the variables of the configuration and no others', () => {
    for (const name of VARIABLES) expect(errorOf('--var', `${name}=x`)).toBe('')
    expect(errorOf('--var', 'GRAPH_URL=x')).toContain('GRAPH_BASE_URL')
    expect(errorOf('--var', '=x')).toContain('NAME=VALUE')
  })
})

it('the other scripts know their own options only', () => {
  expect(parseDemoOptions(['--port', '9000'])).toMatchObject({ ok: true, value: { port: 9000 } })
  expect(parseDemoOptions(['--var', 'RATE_LIMIT=on'])).toMatchObject({ ok: false })
  expect(parseKillOptions(['--keep'])).toEqual({ ok: true, value: { port: 8887, keep: true } })
  expect(parseKillOptions(['--fresh'])).toMatchObject({ ok: false })
})
