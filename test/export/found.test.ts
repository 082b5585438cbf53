import { describe, expect, test } from 'vitest'

import { openDraft } from '../../src/export/draft.ts'
import { takeFindings } from '../../src/export/found.ts'
import type { Target } from '../../src/export/targets.ts'

/** A draft of a bound user of whom reconciliation found these things. */
function draftOf(...found: readonly string[]) {
  const target: Target = {
    kind: 'user',
    id: 'usr_1',
    created: false,
    removed: false,
    members: new Set(),
    whole: false,
    found: new Set(found),
    ours: new Map(),
    theirs: new Map(),
    urgentAt: null,
    ordinaryAt: 7,
    due: false,
    mayWrite: true,
    mayRetry: false,
    enforced: false,
  }
  const key = { organizationId: 'org_1', directoryId: 'dir_1', token: 'token' }
  const draft = openDraft(key, target, undefined, 'all')
  draft.row = { ...draft.row, state: 'synced', graphId: 'now' }
  takeFindings(draft)
  return draft
}

describe('what reconciliation found', () => {
  test.each(['deleted:gone:now', 'deleted:recycle_bin:now'])('%s fails the binding', (name) => {
    expect(draftOf(name).row).toMatchObject({ state: 'failed', error: { code: 'object_missing' } })
  })

  test.each(['deleted:gone:before', 'deleted:recycle_bin:before'])(
    '%s is about the account that the user had before, and fails nothing',
    (name) => {
      expect(draftOf(name)).toMatchObject({ stopped: false, row: { state: 'synced', error: null } })
    },
  )

  test('of attributes is unknown from now on, once', () => {
    expect(draftOf('jobTitle', 'city').row.unknown).toEqual(['jobTitle'])
  })
})
