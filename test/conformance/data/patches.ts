/**
 * PATCH operations on users: every shape of path with every op. `before` is what the user has beside the least;
 * `after` is what it then shows of these attributes, undefined for none.
 */
import type { Json, JsonObject } from '../../../src/kernel/json.ts'
import { ENTERPRISE, USER } from '../urns.ts'

export interface PatchRow {
  readonly does: string
  readonly before?: JsonObject
  readonly operation: { readonly op: string; readonly path?: string; readonly value?: Json }
  readonly after: Readonly<Record<string, Json | undefined>>
}

const work = { type: 'work', value: '1' }
const home = { type: 'home', value: '2' }
const both = { phoneNumbers: [work, home] }
const address = { type: 'work', locality: 'Bern', region: 'BE' }
const filled = { [ENTERPRISE]: { department: 'Sales', division: 'North' } }
const whole = { givenName: 'Test', familyName: 'User' }

const row = (
  does: string,
  operation: PatchRow['operation'],
  after: PatchRow['after'],
  before: JsonObject = {},
): PatchRow => ({ does, operation, after, before })

const ADD: readonly PatchRow[] = [
  row('a text', { op: 'add', path: 'title', value: 'x' }, { title: 'x' }),
  row(
    'a text over another',
    { op: 'add', path: 'title', value: 'x' },
    { title: 'x' },
    { title: 'y' },
  ),
  row(
    'the same text again',
    { op: 'add', path: 'title', value: 'x' },
    { title: 'x' },
    { title: 'x' },
  ),
  row('a boolean', { op: 'add', path: 'active', value: false }, { active: false }),
  row(
    'a sub-attribute',
    { op: 'add', path: 'name.middleName', value: 'M' },
    { name: { ...whole, middleName: 'M' } },
  ),
  row(
    'a complex value to another',
    { op: 'add', path: 'name', value: { middleName: 'M' } },
    { name: { ...whole, middleName: 'M' } },
  ),
  row(
    'elements to none',
    { op: 'add', path: 'phoneNumbers', value: [work] },
    { phoneNumbers: [work] },
  ),
  row(
    'elements to others',
    { op: 'add', path: 'phoneNumbers', value: [home] },
    { phoneNumbers: [work, home] },
    { phoneNumbers: [work] },
  ),
  row(
    'one element without an array',
    { op: 'add', path: 'phoneNumbers', value: home },
    { phoneNumbers: [work, home] },
    { phoneNumbers: [work] },
  ),
  row(
    'an element that is there',
    { op: 'add', path: 'phoneNumbers', value: [work] },
    { phoneNumbers: [work] },
    { phoneNumbers: [work] },
  ),
  row(
    'a sub-attribute of an element',
    { op: 'add', path: 'phoneNumbers[type eq "home"].display', value: 'd' },
    { phoneNumbers: [work, { ...home, display: 'd' }] },
    both,
  ),
  row(
    'to an attribute with its URN',
    { op: 'add', path: `${USER}:title`, value: 'x' },
    { title: 'x' },
  ),
  row(
    'to a sub-attribute with its URN',
    { op: 'add', path: `${USER}:name.middleName`, value: 'M' },
    { name: { ...whole, middleName: 'M' } },
  ),
  row(
    'an attribute of an extension',
    { op: 'add', path: `${ENTERPRISE}:department`, value: 'S' },
    { [ENTERPRISE]: { department: 'S' } },
  ),
  row(
    'a whole extension',
    { op: 'add', path: ENTERPRISE, value: { department: 'S' } },
    { [ENTERPRISE]: { department: 'S' } },
  ),
  row(
    'several attributes without a path',
    { op: 'add', value: { title: 'x', nickName: 'n' } },
    { title: 'x', nickName: 'n' },
  ),
  row(
    'elements without a path',
    { op: 'add', value: { phoneNumbers: [home] } },
    { phoneNumbers: [work, home] },
    { phoneNumbers: [work] },
  ),
  row(
    'an extension without a path',
    { op: 'add', value: { [ENTERPRISE]: { department: 'S' } } },
    { [ENTERPRISE]: { department: 'S' } },
  ),
]

const REPLACE: readonly PatchRow[] = [
  row('a text', { op: 'replace', path: 'title', value: 'x' }, { title: 'x' }, { title: 'y' }),
  row('a text that is not there', { op: 'replace', path: 'title', value: 'x' }, { title: 'x' }),
  row('a boolean', { op: 'replace', path: 'active', value: false }, { active: false }),
  row(
    'a sub-attribute',
    { op: 'replace', path: 'name.givenName', value: 'G' },
    { name: { ...whole, givenName: 'G' } },
  ),
  row(
    'the named parts of a complex value',
    { op: 'replace', path: 'name', value: { givenName: 'G' } },
    { name: { ...whole, givenName: 'G' } },
  ),
  row(
    'all elements',
    { op: 'replace', path: 'phoneNumbers', value: [{ type: 'fax', value: '3' }] },
    { phoneNumbers: [{ type: 'fax', value: '3' }] },
    both,
  ),
  row(
    'all elements by none',
    { op: 'replace', path: 'phoneNumbers', value: [] },
    { phoneNumbers: undefined },
    both,
  ),
  row(
    'a sub-attribute of one element',
    { op: 'replace', path: 'phoneNumbers[type eq "home"].value', value: '9' },
    { phoneNumbers: [work, { ...home, value: '9' }] },
    both,
  ),
  row(
    'a sub-attribute of the elements that two terms select',
    { op: 'replace', path: 'phoneNumbers[type eq "home" and value eq "2"].value', value: '9' },
    { phoneNumbers: [work, { ...home, value: '9' }] },
    both,
  ),
  row(
    'a part of an address',
    { op: 'replace', path: 'addresses[type eq "work"].locality', value: 'Thun' },
    { addresses: [{ ...address, locality: 'Thun' }] },
    { addresses: [address] },
  ),
  row(
    'an attribute with its URN',
    { op: 'replace', path: `${USER}:title`, value: 'x' },
    { title: 'x' },
    { title: 'y' },
  ),
  row(
    'an attribute of an extension',
    { op: 'replace', path: `${ENTERPRISE}:department`, value: 'S' },
    { [ENTERPRISE]: { department: 'S', division: 'North' } },
    filled,
  ),
  row(
    'an attribute in another case',
    { op: 'replace', path: 'TITLE', value: 'x' },
    { title: 'x' },
    { title: 'y' },
  ),
  row(
    'several attributes without a path',
    { op: 'replace', value: { title: 'x', nickName: 'n', userType: 'u' } },
    { title: 'x', nickName: 'n', userType: 'u' },
    { title: 'y' },
  ),
  row(
    'all elements without a path',
    { op: 'replace', value: { phoneNumbers: [work] } },
    { phoneNumbers: [work] },
    both,
  ),
]

const REMOVE: readonly PatchRow[] = [
  row('a text', { op: 'remove', path: 'title' }, { title: undefined }, { title: 'x' }),
  row(
    'a sub-attribute',
    { op: 'remove', path: 'name.givenName' },
    { name: { familyName: 'User' } },
  ),
  row('a complex value', { op: 'remove', path: 'name' }, { name: undefined }),
  row('all elements', { op: 'remove', path: 'phoneNumbers' }, { phoneNumbers: undefined }, both),
  row(
    'one element',
    { op: 'remove', path: 'phoneNumbers[type eq "work"]' },
    { phoneNumbers: [home] },
    both,
  ),
  row(
    'elements by two terms',
    { op: 'remove', path: 'phoneNumbers[type eq "work" and value eq "1"]' },
    { phoneNumbers: [home] },
    both,
  ),
  row(
    'elements by either of two terms',
    { op: 'remove', path: 'phoneNumbers[type eq "work" or value eq "2"]' },
    { phoneNumbers: undefined },
    both,
  ),
  row(
    'all but some elements',
    { op: 'remove', path: 'phoneNumbers[not (type eq "work")]' },
    { phoneNumbers: [work] },
    both,
  ),
  row(
    'a sub-attribute of one element',
    { op: 'remove', path: 'addresses[type eq "work"].region' },
    { addresses: [{ type: 'work', locality: 'Bern' }] },
    { addresses: [address] },
  ),
  row(
    'the last element',
    { op: 'remove', path: 'phoneNumbers[type eq "work"]' },
    { phoneNumbers: undefined },
    { phoneNumbers: [work] },
  ),
  row(
    'an attribute with its URN',
    { op: 'remove', path: `${USER}:title` },
    { title: undefined },
    { title: 'x' },
  ),
  row(
    'an attribute of an extension',
    { op: 'remove', path: `${ENTERPRISE}:department` },
    { [ENTERPRISE]: { division: 'North' } },
    filled,
  ),
  row('a whole extension', { op: 'remove', path: ENTERPRISE }, { [ENTERPRISE]: undefined }, filled),
  row('what is not there', { op: 'remove', path: 'title' }, { title: undefined }),
]

export const PATCH_ROWS: Readonly<Record<string, readonly PatchRow[]>> = {
  'RFC 7644 §3.5.2.1: add': ADD,
  'RFC 7644 §3.5.2.3: replace': REPLACE,
  'RFC 7644 §3.5.2.2: remove': REMOVE,
}
