import { describe, expect, it } from 'vitest'
import { readSettings } from '../../src/plan/configuration.ts'
import { type DirectorySettings, defaultSettings, mergeSettings } from '../../src/plan/settings.ts'

const merged = (patch: unknown, current: DirectorySettings = defaultSettings) => {
  const result = mergeSettings(current, patch)
  if (!result.ok) throw new Error(JSON.stringify(result.error))
  return result.value
}

const fieldsOf = (patch: unknown) => {
  const result = mergeSettings(defaultSettings, patch)
  return result.ok ? [] : result.error.map((problem) => problem.field)
}

describe('settings of a directory', () => {
  it('have the defaults that are documented', () => {
    expect(merged({})).toEqual({
      upnSource: 'email',
      blankPolicy: 'ignore',
      onSuspend: 'disable',
      onDelete: 'disable',
      onUnbind: 'disable',
      onGroupDelete: 'leave',
      bindNewUsers: { mode: 'manual', groupIds: [] },
      bindNewGroups: 'manual',
      conflict: 'adopt',
      usageLocation: null,
      reconcile: { mode: 'report', intervalMinutes: 60 },
      threshold: { count: 20, percent: 10 },
      writeQuotaPercent: 80,
      sameTenant: false,
    })
  })

  it('that are stored take the default of each that is younger than they are, at any depth', () => {
    const { sameTenant: _, reconcile, ...older } = defaultSettings
    const stored = { ...older, threshold: null, reconcile: { mode: 'enforce' } }
    expect(readSettings(stored)).toEqual({
      ...defaultSettings,
      threshold: null,
      reconcile: { ...reconcile, mode: 'enforce' },
    })
    expect(readSettings({})).toEqual(defaultSettings)
    expect(() => readSettings({ ...stored, upnSource: 'title' })).toThrow('must be one of')
  })

  it('merge deeply, leaving what a patch does not name', () => {
    const next = merged({ reconcile: { mode: 'enforce' }, upnSource: 'alternateEmail' })
    expect(next.reconcile).toEqual({ mode: 'enforce', intervalMinutes: 60 })
    expect(next.upnSource).toBe('alternateEmail')
    expect(next.threshold).toEqual({ count: 20, percent: 10 })
  })

  it('replace lists whole', () => {
    const current = merged({ bindNewUsers: { mode: 'groups', groupIds: ['grp_a', 'grp_b'] } })
    expect(merged({ bindNewUsers: { groupIds: ['grp_c'] } }, current).bindNewUsers).toEqual({
      mode: 'groups',
      groupIds: ['grp_c'],
    })
  })

  it('let the last group go, whose members are unbound by that', () => {
    const current = merged({ bindNewUsers: { mode: 'groups', groupIds: ['grp_a'] } })
    const none = { mode: 'groups', groupIds: [] }
    expect(merged({ bindNewUsers: { groupIds: [] } }, current).bindNewUsers).toEqual(none)
  })

  it('switch the threshold off by null, and stay so under other patches', () => {
    const off = merged({ threshold: null })
    expect(off.threshold).toBeNull()
    expect(merged({ onDelete: 'delete' }, off).threshold).toBeNull()
  })

  it('switch the threshold on again by one number, the other being the default', () => {
    const off = merged({ threshold: null })
    expect(merged({ threshold: { count: 5 } }, off).threshold).toEqual({ count: 5, percent: 10 })
  })

  it('take a country code in any case and store it in capitals', () => {
    expect(merged({ usageLocation: 'de' }).usageLocation).toBe('DE')
  })

  it.each([
    [{ upnSource: 'mail' }, ['upnSource']],
    [{ reconcile: { intervalMinutes: 14 } }, ['reconcile.intervalMinutes']],
    [{ reconcile: { intervalMinutes: 15.5 } }, ['reconcile.intervalMinutes']],
    [{ threshold: { percent: 101 } }, ['threshold.percent']],
    [{ writeQuotaPercent: 0 }, ['writeQuotaPercent']],
    [{ usageLocation: 'USA' }, ['usageLocation']],
    [{ bindNewUsers: 'all' }, ['bindNewUsers']],
    [{ bindNewUsers: { groupIds: ['usr_1'] } }, ['bindNewUsers.groupIds.0']],
    [{ bindNewUsers: { mode: 'groups' } }, ['bindNewUsers.groupIds']],
    [{ bindNewUsers: { mode: 'groups', groupIds: [] } }, ['bindNewUsers.groupIds']],
    [{ sameTenant: 'yes' }, ['sameTenant']],
    [{ onSuspnd: 'leave' }, ['onSuspnd']],
    [JSON.parse('{"__proto__": {"onSuspend": "leave"}}'), ['__proto__']],
    [{ upnSource: null, conflict: 1 }, ['upnSource', 'conflict']],
  ])('refuse %j and name the field', (patch, fields) => {
    expect(fieldsOf(patch)).toEqual(fields)
  })

  it.each([null, [], 'x', 1])('refuse %j, which is no object', (patch) => {
    expect(mergeSettings(defaultSettings, patch).ok).toBe(false)
  })

  it('say what would have been accepted', () => {
    const result = mergeSettings(defaultSettings, { reconcile: { mode: 'repair' } })
    expect(result).toEqual({
      ok: false,
      error: [
        {
          field: 'reconcile.mode',
          pointer: '/reconcile/mode',
          message: 'reconcile.mode must be one of: report, enforce',
        },
      ],
    })
  })
})
