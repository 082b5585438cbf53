/** Filters over the people of `filters.ts` that are about the grammar, by requirement. */
import { ENTERPRISE, USER } from '../urns.ts'
import type { FilterRow } from './filters.ts'

const ALL = 'ann bob cid'

export const GRAMMAR_ROWS: Readonly<Record<string, readonly FilterRow[]>> = {
  'RFC 7644 §3.4.2.2: and, or, not and precedence': [
    ['displayName sw "ann" and active eq true', 'ann'],
    ['displayName sw "ann" and active eq false', ''],
    ['displayName sw "ann" or displayName sw "bob"', 'ann bob'],
    ['displayName sw "ann" or displayName sw "bob" and active eq true', 'ann'],
    ['active eq true and displayName sw "bob" or displayName sw "ann"', 'ann'],
    ['(displayName sw "ann" or displayName sw "bob") and active eq false', 'bob'],
    ['displayName sw "ann" and (active eq false or title pr)', 'ann'],
    ['not (displayName sw "ann")', 'bob cid'],
    ['not (displayName sw "ann" or displayName sw "bob")', 'cid'],
    ['not (not (displayName sw "ann"))', 'ann'],
    ['not (active eq true) and displayName pr', 'bob'],
    ['active eq true and not (displayName sw "ann")', 'cid'],
    ['((((displayName sw "ann"))))', 'ann'],
    ['displayName sw "a" or displayName sw "b" or displayName sw "c"', ALL],
    ['displayName co "e" and displayName co "n" and displayName co "a"', 'ann'],
    ['title pr and active eq true or not (title pr) and active eq false', 'ann bob'],
  ],
  'RFC 7644 §3.4.2.2: value filters are about one element': [
    ['emails[type eq "work"]', 'ann cid'],
    ['emails[type eq "work" and value co "ann"]', 'ann'],
    ['emails[type eq "home" and value co "ann"]', ''],
    ['emails[type eq "work" or type eq "home"]', ALL],
    ['emails[not (type eq "work")]', 'bob'],
    ['emails[type eq "work" and primary eq true]', 'ann'],
    ['emails[primary eq true]', 'ann'],
    ['phoneNumbers[type eq "home" and value eq "100"]', 'bob'],
    ['phoneNumbers[type eq "work" and value eq "100"]', 'ann'],
    ['phoneNumbers.type eq "home" and phoneNumbers.value eq "100"', 'ann bob'],
    ['phoneNumbers[value pr]', 'ann bob'],
    ['not (emails[type eq "work"])', 'bob'],
    ['emails[type eq "work"] and active eq true', 'ann cid'],
    ['emails[type eq "work"] and phoneNumbers[type eq "home"]', 'ann'],
    ['emails[(type eq "work" or type eq "home") and value co "-cid@"]', 'cid'],
  ],
  'RFC 7644 §3.4.2.2: a complex attribute with several values stands for its value': [
    ['emails co "@work.example"', 'ann cid'],
    ['emails eq "{P}-bob@home.example"', 'bob'],
    ['phoneNumbers eq "900"', 'ann'],
  ],
  'RFC 7644 §3.10: names with their URN': [
    [`${USER}:displayName eq "Ann Lee"`, 'ann'],
    [`${USER}:name.familyName eq "Ray"`, 'bob'],
    [`${USER}:emails.value co "-cid@"`, 'cid'],
    [`${USER}:emails[type eq "home"]`, 'bob'],
    [`${ENTERPRISE}:department eq "Sales"`, 'bob'],
    [`${ENTERPRISE}:manager.value eq "Boss-1"`, 'ann'],
    [`${ENTERPRISE}:department eq "Sales" or ${USER}:title pr`, 'ann bob'],
    [`${ENTERPRISE.toUpperCase()}:Department eq "Sales"`, 'bob'],
  ],
  'RFC 7643 §2.1: names of attributes and operators ignore case': [
    ['DISPLAYNAME eq "Ann Lee"', 'ann'],
    ['displayname EQ "Ann Lee"', 'ann'],
    ['Name.FamilyName Eq "ray"', 'bob'],
    ['displayName sw "ann" OR displayName sw "bob"', 'ann bob'],
    ['active eq true AND title PR', 'ann'],
    ['NOT (active eq true)', 'bob'],
    ['Emails[Type eq "WORK"]', 'ann cid'],
  ],
  'RFC 7644 §3.4.2.2: values are JSON': [
    [String.raw`displayName eq "\u0041nn Lee"`, 'ann'],
    [String.raw`displayName eq "Ann\u0020Lee"`, 'ann'],
    [String.raw`displayName co "\"" or displayName co "\\"`, ''],
    ['displayName co "%"', ''],
    ['displayName co "_"', ''],
    ['displayName co "*"', ''],
    ['displayName sw ""', ALL],
    ['displayName co " "', ALL],
    [`displayName eq "' OR 1=1 --"`, ''],
  ],
}

/** Tolerances that Entra and its tests need. */
export const TOLERANT_ROWS: Readonly<Record<string, readonly FilterRow[]>> = {
  'Q17: a filter goes on after a value filter': [
    ['emails[type eq "work"].value eq "{P}-ann@work.example"', 'ann'],
    ['emails[type eq "work"].value eq "{P}-ANN@Work.example"', 'ann'],
    ['emails[type eq "home"].value eq "{P}-ann@work.example"', ''],
    ['emails[type eq "work"].value co "@work"', 'ann cid'],
    ['emails[type eq "work" and value eq "{P}-ann@work.example"]', 'ann'],
    ['emails.value eq "{P}-ann@work.example"', 'ann'],
  ],
  'Q18: values without quotes, names in another case': [
    ['externalId eq {P}-ANN', 'ann'],
    ['DisplayName eq "Ann Lee"', 'ann'],
    ['Name.FamilyName eq Ray', 'bob'],
  ],
  'Q02, Rule 3: booleans as texts in filters': [
    ['active eq "True"', 'ann cid'],
    ['active eq "false"', 'bob'],
    ['emails[primary eq "True"]', 'ann'],
  ],
  'Q20: names ignore case, externalId does not': [
    ['userName eq "{P}-ANN"', 'ann'],
    ['displayName eq "ANN LEE"', 'ann'],
    ['externalId eq "{P}-ann"', ''],
  ],
}
