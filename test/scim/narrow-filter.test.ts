import { describe, expect, it } from 'vitest'
import { parseFilter } from '../../src/scim/filter.ts'
import { narrowFilter } from '../../src/scim/narrow-filter.ts'
import { printFilter } from '../../src/scim/print-filter.ts'
import { GROUP, RESOURCE_TYPES, USER } from '../../src/scim/resource-types.ts'

/** What is left of a filter for users and for groups, or why it is refused. */
function narrowed(text: string) {
  const parsed = parseFilter(text)
  if (!parsed.ok) throw new Error(text)
  return [USER, GROUP].map((type) => {
    const left = narrowFilter(parsed.value, type, RESOURCE_TYPES)
    if (!left.ok) return left.error
    return typeof left.value === 'string' ? left.value : printFilter(left.value)
  })
}

describe('a filter over several types', () => {
  it.each([
    ['displayName eq "x"', 'displayName eq "x"', 'displayName eq "x"'],
    ['userName eq "x"', 'userName eq "x"', 'none'],
    ['members eq "x"', 'none', 'members eq "x"'],
    ['members.value pr', 'none', 'members.value pr'],
    ['emails[type eq "work"]', 'emails[type eq "work"]', 'none'],
    ['userName ne "x"', 'userName ne "x"', 'all'],
    ['userName eq null', 'userName eq null', 'all'],
    ['userName ne null', 'userName ne null', 'none'],
    ['title gt "x"', 'title gt "x"', 'none'],
    ['not (userName pr)', 'not (userName pr)', 'all'],
    ['not (not (userName pr))', 'not (not (userName pr))', 'none'],
    ['userName pr or members pr', 'userName pr', 'members pr'],
    ['userName pr and members pr', 'none', 'none'],
    ['not (userName pr and members pr)', 'all', 'all'],
    ['displayName pr and userName pr', 'displayName pr and userName pr', 'none'],
    ['displayName pr and not (userName pr)', 'displayName pr and not (userName pr)', 'displayName pr'],
    ['displayName pr or userName pr', 'displayName pr or userName pr', 'displayName pr'],
    ['displayName pr or userName ne "x"', 'displayName pr or userName ne "x"', 'all'],
    ['active eq "True" or displayName pr', 'active eq true or displayName pr', 'displayName pr'],
    ['urn:ietf:params:scim:schemas:core:2.0:Group:displayName pr', 'none', 'urn:ietf:params:scim:schemas:core:2.0:Group:displayName pr'],
    ['department eq "x"', 'department eq "x"', 'none'],
    ['urn:x:y:2.0:Thing:a eq "x"', 'urn:x:y:2.0:Thing:a eq "x"', 'urn:x:y:2.0:Thing:a eq "x"'],
  ])('%s asks of users: %s, of groups: %s', (filter, ofUsers, ofGroups) => {
    expect(narrowed(filter)).toEqual([ofUsers, ofGroups])
  }) // prettier-ignore

  it.each([
    ['shoeSize eq 42', 'no resource type has an attribute shoeSize'],
    ['userName pr and members pr and shoeSize pr', 'shoeSize'],
    ['members pr or (userName pr and not (shoeSize pr))', 'shoeSize'],
    ['displayName.first eq "x"', 'displayName.first'],
    ['constructor pr', 'constructor'],
  ])('%s is refused for every type: %s', (filter, reason) => {
    const refused = { kind: 'invalidFilter', reason: expect.stringContaining(reason) as string }
    expect(narrowed(filter)).toMatchObject([refused, refused])
  })

  it.each([
    ['active gt true and members pr', USER],
    ['members pr or password eq "x"', USER],
    ['userName pr and members[unknown eq "x"]', GROUP],
  ])('%s is refused for the type that it makes no sense for', (filter, type) => {
    const [ofUsers, ofGroups] = narrowed(filter)
    const refused = { kind: 'invalidFilter' }
    expect(type === USER ? ofUsers : ofGroups).toMatchObject(refused)
  })
})
