/** Aims the suite at `TARGET_URL`, or starts the gateway of this repository for as long as the suite runs. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'

import { DEMO } from '../dev/demo-credentials.ts'
import { startDev } from '../dev/dev-process.ts'
import { baseUrl, isPortFree } from '../dev/network.ts'
import { sweep } from './client.ts'
import type { Target } from './target.ts'

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const run = String(Math.floor(Math.random() * 1e8)).padStart(8, '0')
  const { TARGET_URL, TOKEN, PROFILE } = process.env
  if (TARGET_URL === undefined) return startGateway(project, run)
  if (TOKEN === undefined)
    throw new Error('TARGET_URL was given without TOKEN. Give both, or none.')
  const url = TARGET_URL.replace(/\/+$/, '')
  const target: Target = { url, token: TOKEN, run, isIsthmus: PROFILE === 'isthmus' }
  project.provide('target', target)
  return () => sweep(target)
}

async function startGateway(project: TestProject, run: string): Promise<() => Promise<void>> {
  const state = mkdtempSync(join(tmpdir(), 'isthmus-conformance-'))
  const port = await freePort()
  const dev = await startDev(['--port', String(port), '--state', join(state, 'dev')])
  const url = `${baseUrl(port)}/scim/v2`
  project.provide('target', { url, token: DEMO.scimToken, run, isIsthmus: true })
  return async () => {
    await dev.stop()
    rmSync(state, { recursive: true, force: true })
  }
}

/** A port that is free, and the one after it too: there the Graph emulator will listen. */
async function freePort(): Promise<number> {
  for (let tries = 0; tries < 50; tries++) {
    const port = 20_000 + Math.floor(Math.random() * 20_000)
    if ((await isPortFree(port)) && (await isPortFree(port + 1))) return port
  }
  throw new Error('No free port was found.')
}
