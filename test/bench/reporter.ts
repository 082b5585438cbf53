/** Prints what benchmarks measured as tables, and writes it as JSON under bench-results/. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { basename, join } from 'node:path'

import type { Reporter, TestModule } from 'vitest/node'

import type { Figures } from './report.ts'

const FOLDER = 'bench-results'

interface Measured {
  readonly benchmark: string
  readonly passed: boolean
  readonly figures: Figures
}

export class BenchReporter implements Reporter {
  onTestModuleEnd(module: TestModule): void {
    const measured = [...module.children.allTests()].flatMap((test): Measured[] => {
      const { figures } = test.meta()
      const passed = test.result().state === 'passed'
      return figures === undefined ? [] : [{ benchmark: test.name, passed, figures }]
    })
    if (measured.length === 0) return
    const name = basename(module.moduleId, '.bench.ts')
    console.log(`\n${name}`)
    for (const like of Map.groupBy(measured, columnsOf).values()) console.table(tableOf(like))
    mkdirSync(FOLDER, { recursive: true })
    const machine = { node: process.version, platform: process.platform, cores: cpus().length }
    const results = { name, at: new Date().toISOString(), machine, results: measured }
    writeFileSync(join(FOLDER, `${name}.json`), `${JSON.stringify(results, null, 2)}\n`)
  }
}

const columnsOf = ({ figures }: Measured): string => Object.keys(figures).join()

/** A row for each figure and a column for each benchmark, or the other way round: whichever is narrower. */
function tableOf(measured: readonly Measured[]): Record<string, Record<string, number | string>> {
  const rows = measured.map(({ benchmark, figures }) => [benchmark, rounded(figures)] as const)
  const names = Object.keys(measured[0]?.figures ?? {})
  if (names.length <= 8) return Object.fromEntries(rows)
  return Object.fromEntries(
    names.map((name) => [
      name,
      Object.fromEntries(rows.map(([benchmark, figures]) => [benchmark, figures[name] ?? ''])),
    ]),
  )
}

function rounded(figures: Figures): Record<string, number | string> {
  return Object.fromEntries(
    Object.entries(figures).map(([name, value]) => [
      name,
      typeof value === 'number' ? Math.round(value * 1000) / 1000 : value,
    ]),
  )
}
