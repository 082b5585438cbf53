import * as fc from 'fast-check'
import type { Json, JsonObject } from '../../src/kernel/json.ts'
import type { PatchOperation } from '../../src/scim/messages.ts'
import { ENTERPRISE_USER_URN, USER_URN } from '../../src/scim/urns.ts'

const PATHS = [
  'userName',
  'title',
  'active',
  'password',
  'name',
  'name.givenName',
  'Name.FamilyName',
  'emails',
  'emails.value',
  'emails[type eq "work"]',
  'emails[type eq "work"].value',
  'emails[primary eq "True"].value',
  'emails[type eq "work" and primary eq true].value',
  'emails[value co "a"].type',
  'emails[not (type pr)]',
  'roles',
  'roles[primary eq "True"].display',
  'addresses[type eq "work"].locality',
  'addresses',
  'manager',
  'id',
  'schemas',
  'meta.created',
  'groups',
  'members',
  'nonsense',
  'constructor',
  '__proto__',
  ENTERPRISE_USER_URN,
  USER_URN,
  `${ENTERPRISE_USER_URN}:department`,
  `${ENTERPRISE_USER_URN}.manager.value`,
  'urn:ietf:params:scim:schemas:extension:enterprise:2.0User:division',
  'urn:example:custom:2.0:User',
  'urn:example:custom:2.0:User:tag',
  'urn:example:custom:2.0:User:tag.inner',
]

const paths = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom(...PATHS) },
  { weight: 1, arbitrary: fc.string({ maxLength: 12 }) },
)

const scalars: fc.Arbitrary<Json> = fc.constantFrom<Json[]>(
  '',
  null,
  'a',
  'b@x.com',
  'True',
  'false',
  true,
  0,
  [],
  {},
  '{"value":"Admin","displayName":"Admin"}',
)

const elements: fc.Arbitrary<Json> = fc.record(
  {
    value: scalars,
    type: fc.constantFrom('work', 'Work', 'home', ''),
    primary: fc.constantFrom<Json[]>(true, false, 'True'),
    display: scalars,
    locality: scalars,
    givenName: scalars,
    department: scalars,
  },
  { requiredKeys: [], noNullPrototype: true },
)

const values: fc.Arbitrary<Json> = fc.oneof(
  scalars,
  elements,
  fc.array(fc.oneof(elements, scalars), { maxLength: 3 }),
  fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<Json>,
)

const objects: fc.Arbitrary<JsonObject> = fc.dictionary(paths, values, {
  maxKeys: 4,
  noNullPrototype: true,
})

export const pathOperations: fc.Arbitrary<PatchOperation> = operation(
  fc.record({ path: paths, value: values }, { requiredKeys: ['path'] }),
)

export const patchOperations: fc.Arbitrary<PatchOperation> = fc.oneof(
  { weight: 3, arbitrary: pathOperations },
  { weight: 1, arbitrary: operation(fc.record({ value: fc.oneof(objects, values) })) },
)

function operation(
  rest: fc.Arbitrary<{ path?: string; value?: Json }>,
): fc.Arbitrary<PatchOperation> {
  return fc
    .tuple(fc.constantFrom('add' as const, 'replace' as const, 'remove' as const), rest)
    .map(([op, { path, value }]) => ({
      op,
      ...(path === undefined ? {} : { path }),
      ...(value === undefined ? {} : { value }),
    }))
}

/** Bodies of a POST that are often valid. */
export const userBodies: fc.Arbitrary<JsonObject> = fc
  .tuple(objects, fc.array(elements, { maxLength: 3 }), fc.constantFrom('ann', 'bob@x.com'))
  .map(([others, emails, userName]) => ({ ...others, emails, userName }))
