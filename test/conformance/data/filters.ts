/**
 * Filters and the users that they find. `{P}` is the prefix of the run; a filter is asked together with
 * `externalId sw "{P}"`, so that it is about these three users only.
 */
import type { JsonObject } from '../../../src/kernel/json.ts'
import { ENTERPRISE, USER } from '../urns.ts'

export type FilterRow = readonly [filter: string, finds: string]

/** Users by their names; the values that are compared are in alphabetical order of the names. */
export function people(prefix: string): Readonly<Record<string, JsonObject>> {
  const person = (name: string, more: JsonObject): JsonObject => ({
    externalId: `${prefix}-${name.toUpperCase()}`,
    ...more,
  })
  return {
    ann: person('ann', {
      displayName: 'Ann Lee',
      name: { familyName: 'Lee', givenName: 'Ann' },
      title: 'Engineer',
      active: true,
      profileUrl: 'https://example.com/Ann',
      emails: [{ type: 'work', primary: true, value: `${prefix}-ann@work.example` }],
      phoneNumbers: [
        { type: 'work', value: '100' },
        { type: 'home', value: '900' },
      ],
      x509Certificates: [{ value: 'QUFB' }],
      [ENTERPRISE]: { department: 'Research', manager: { value: 'Boss-1' } },
    }),
    bob: person('bob', {
      displayName: 'Bob Ray',
      name: { familyName: 'Ray', givenName: 'Bob' },
      active: false,
      profileUrl: 'https://example.com/Bob',
      emails: [{ type: 'home', value: `${prefix}-bob@home.example` }],
      phoneNumbers: [{ type: 'home', value: '100' }],
      x509Certificates: [{ value: 'QkJC' }],
      [ENTERPRISE]: { department: 'Sales' },
    }),
    cid: person('cid', {
      displayName: 'Cid Oak',
      name: { familyName: 'Smith', givenName: 'Cid' },
      active: true,
      profileUrl: 'https://example.com/Cid',
      emails: [{ type: 'work', value: `${prefix}-cid@work.example` }],
      [ENTERPRISE]: { department: 'Support' },
    }),
  }
}

const ALL = 'ann bob cid'

/** Every operator of RFC 7644 table 3 on a text with these three values, of which the second is in the middle. */
function textRows(
  attribute: string,
  [first, middle, last]: readonly [string, string, string],
  inside = middle.slice(-4, -1),
): FilterRow[] {
  const q = JSON.stringify
  return [
    [`${attribute} eq ${q(middle)}`, 'bob'],
    [`${attribute} eq ${q(middle.slice(0, -1))}`, ''],
    [`${attribute} ne ${q(middle)}`, 'ann cid'],
    [`${attribute} co ${q(inside)}`, 'bob'],
    [`${attribute} sw ${q(first)}`, 'ann'],
    [`${attribute} ew ${q(last)}`, 'cid'],
    [`${attribute} gt ${q(middle)}`, 'cid'],
    [`${attribute} ge ${q(middle)}`, 'bob cid'],
    [`${attribute} lt ${q(middle)}`, 'ann'],
    [`${attribute} le ${q(middle)}`, 'ann bob'],
    [`${attribute} pr`, ALL],
  ]
}

/** By the kind of attribute that is compared. */
export const OPERATOR_ROWS: Readonly<Record<string, readonly FilterRow[]>> = {
  'text that ignores case': textRows('displayName', ['ann lee', 'BOB ray', 'cid OAK']),
  userName: textRows('userName', ['{P}-Ann', '{P}-bOB', '{P}-ciD']),
  'text that is case exact': [
    ...textRows('externalId', ['{P}-ANN', '{P}-BOB', '{P}-CID']),
    ['externalId eq "{P}-bob"', ''],
    ['externalId ew "-bob"', ''],
    ['externalId co "-BoB"', ''],
  ],
  'sub-attribute of a complex': textRows('name.familyName', ['lee', 'ray', 'smith']),
  'attribute of an extension': textRows(`${ENTERPRISE}:department`, [
    'research',
    'SALES',
    'Support',
  ]),
  'value of a multi-valued': textRows(
    'emails.value',
    ['{P}-ann@work.example', '{P}-bob@HOME.example', '{P}-cid@work.example'],
    '-BOB@',
  ),
  reference: [
    ...textRows('profileUrl', [
      'https://example.com/Ann',
      'https://example.com/Bob',
      'https://example.com/Cid',
    ]),
  ],
  boolean: [
    ['active eq true', 'ann cid'],
    ['active eq false', 'bob'],
    ['active ne true', 'bob'],
    ['active ne false', 'ann cid'],
    ['active pr', ALL],
  ],
  binary: [
    ['x509Certificates.value eq "QUFB"', 'ann'],
    ['x509Certificates.value eq "qufb"', ''],
    ['x509Certificates.value pr', 'ann bob'],
  ],
  'attribute that some lack': [
    ['title pr', 'ann'],
    ['not (title pr)', 'bob cid'],
    ['title eq "engineer"', 'ann'],
    ['title gt ""', 'ann'],
    ['nickName pr', ''],
    ['phoneNumbers pr', 'ann bob'],
    ['name pr', ALL],
    ['name.middleName pr', ''],
    [`${ENTERPRISE}:manager pr`, 'ann'],
    [`${ENTERPRISE}:employeeNumber pr`, ''],
  ],
  'common attribute': [
    ['meta.resourceType eq "User"', ALL],
    ['meta.resourceType eq "Group"', ''],
    [`schemas eq "${USER}"`, ALL],
    [`schemas eq "${ENTERPRISE}"`, ALL],
    ['id pr', ALL],
    ['id eq "nobody"', ''],
    ['groups pr', ''],
  ],
}

/** What RFC 7644 section 3.4.2.2 refuses. */
export const REFUSED_OPERATORS = ['gt', 'ge', 'lt', 'le'].flatMap((operator) => [
  `active ${operator} true`,
  `x509Certificates.value ${operator} "QUFB"`,
])

/** What has no meaning, and must not find everybody. */
export const SENSELESS = [
  'active co "t"',
  'active eq "maybe"',
  'active eq 7',
  'meta.created gt "yesterday"',
  'meta.created co "2026"',
  'name eq "Lee"',
]
