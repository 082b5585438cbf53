/** Operations that are refused, with the scimTypes of RFC 7644 table 9 that fit. */
export const REFUSED_PATCHES: readonly (readonly [
  what: string,
  scimType: RegExp,
  operation: object,
])[] = [
  ['id', /^mutability$/, { op: 'replace', path: 'id', value: 'x' }],
  ['meta', /^mutability$/, { op: 'replace', path: 'meta.created', value: '2001-01-01T00:00:00Z' }],
  ['groups', /^mutability$/, { op: 'add', path: 'groups', value: [{ value: 'x' }] }],
  ['groups by a filter', /^mutability$/, { op: 'remove', path: 'groups[value eq "x"]' }],
  ['userName by remove', /^(?:mutability|invalidValue)$/, { op: 'remove', path: 'userName' }],
  [
    'userName by an empty text',
    /^(?:mutability|invalidValue)$/,
    { op: 'replace', path: 'userName', value: '' },
  ],
  ['everything by remove without a path', /^noTarget$/, { op: 'remove' }],
  [
    'a text by replace without a value',
    /^invalid(?:Value|Syntax)$/,
    { op: 'replace', path: 'title' },
  ],
  ['a text by an object', /^invalidValue$/, { op: 'replace', path: 'title', value: { a: 1 } }],
  ['a boolean by a text', /^invalidValue$/, { op: 'replace', path: 'active', value: 'maybe' }],
  ['several by a text without a path', /^invalid(?:Value|Syntax)$/, { op: 'replace', value: 'x' }],
  [
    'a path with an open bracket',
    /^invalid(?:Path|Filter)$/,
    { op: 'replace', path: 'emails[type eq "work"', value: 'x' },
  ],
  ['a path with an empty filter', /^invalid(?:Path|Filter)$/, { op: 'remove', path: 'emails[]' }],
  ['a path that is a sentence', /^invalidPath$/, { op: 'replace', path: 'the title', value: 'x' }],
  ['a path that ends in a dot', /^invalidPath$/, { op: 'replace', path: 'name.', value: 'x' }],
  [
    'a sub-attribute that nobody knows',
    /^invalidPath$/,
    { op: 'replace', path: 'name.nobody', value: 'x' },
  ],
  ['a filter on a text', /^invalid(?:Path|Filter)$/, { op: 'remove', path: 'title[value eq "x"]' }],
  ['three levels', /^invalidPath$/, { op: 'replace', path: 'name.givenName.first', value: 'x' }],
  [
    'elements that no filter term describes',
    /^noTarget$/,
    { op: 'replace', path: 'emails[value co "nobody"].type', value: 'x' },
  ],
]
