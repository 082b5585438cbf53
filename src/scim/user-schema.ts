/**
 * The core User schema (RFC 7643 sections 4.1 and 8.7.1). Data only.
 *
 * Where section 8.7.1 contradicts the prose, the prose wins: references and binaries are case exact (sections
 * 2.3.6 and 2.3.7), addresses have `primary` (section 2.4). What holds an id is as case exact as `id` itself.
 * Canonical values are what we publish for discovery; other values are accepted.
 */
import { attribute, type AttributeDefinition, type SchemaDefinition } from './attributes.ts'
import { USER_URN } from './urns.ts'

const PLACES = ['work', 'home', 'other']

const primary = attribute('primary', 'Whether this is the preferred value; at most one is.', {
  type: 'boolean',
})

/** The label of a value in a multi-valued attribute. */
function typeOf(canonicalValues?: readonly string[]): AttributeDefinition {
  return attribute(
    'type',
    'The kind of value.',
    canonicalValues === undefined ? {} : { canonicalValues },
  )
}

/** A multi-valued attribute with the sub-attributes of RFC 7643 section 2.4. */
function values(
  name: string,
  description: string,
  value: AttributeDefinition,
  canonicalTypes?: readonly string[],
): AttributeDefinition {
  return attribute(name, description, {
    type: 'complex',
    multiValued: true,
    subAttributes: [
      value,
      attribute('display', 'A name of the value for people to read.'),
      typeOf(canonicalTypes),
      primary,
    ],
  })
}

const NAME = attribute('name', "The components of the user's name.", {
  type: 'complex',
  subAttributes: [
    attribute('formatted', 'The full name, formatted for display.'),
    attribute('familyName', 'The family name, or last name.'),
    attribute('givenName', 'The given name, or first name.'),
    attribute('middleName', 'The middle names.'),
    attribute('honorificPrefix', 'The title before the name, such as "Ms.".'),
    attribute('honorificSuffix', 'The suffix after the name, such as "III".'),
  ],
})

const ADDRESSES = attribute('addresses', 'Physical mailing addresses.', {
  type: 'complex',
  multiValued: true,
  subAttributes: [
    attribute('formatted', 'The full address, formatted for display; it may hold line breaks.'),
    attribute('streetAddress', 'Street, house number and the like.'),
    attribute('locality', 'The city.'),
    attribute('region', 'The state or region.'),
    attribute('postalCode', 'The postal code.'),
    attribute('country', 'The country.'),
    typeOf(PLACES),
    primary,
  ],
})

const GROUPS = attribute('groups', 'The groups that the user is a member of.', {
  type: 'complex',
  multiValued: true,
  mutability: 'readOnly',
  subAttributes: [
    attribute('value', 'The id of the group.', { caseExact: true, mutability: 'readOnly' }),
    attribute('$ref', 'The URL of the group.', {
      type: 'reference',
      referenceTypes: ['User', 'Group'],
      caseExact: true,
      mutability: 'readOnly',
    }),
    attribute('display', 'The display name of the group.', { mutability: 'readOnly' }),
    attribute('type', 'Whether the membership is direct or through another group.', {
      canonicalValues: ['direct', 'indirect'],
      mutability: 'readOnly',
    }),
  ],
})

export const USER_SCHEMA: SchemaDefinition = {
  id: USER_URN,
  name: 'User',
  description: 'A user account',
  attributes: [
    attribute('userName', 'The name by which the user signs in; unique, whatever its case.', {
      required: true,
      uniqueness: 'server',
    }),
    NAME,
    attribute('displayName', 'The name of the user, suitable for display.'),
    attribute('nickName', 'The casual name of the user.'),
    attribute('profileUrl', "The URL of the user's online profile.", {
      type: 'reference',
      referenceTypes: ['external'],
      caseExact: true,
    }),
    attribute('title', 'The job title.'),
    attribute('userType', 'The relation of the user to the organization, such as "Contractor".'),
    attribute('preferredLanguage', 'The language that the user prefers, such as "en-US".'),
    attribute('locale', 'The locale for currency, dates and numbers.'),
    attribute('timezone', 'The time zone, such as "Europe/Zurich".'),
    attribute('active', 'Whether the user may sign in.', { type: 'boolean' }),
    attribute('password', 'The password in clear text; it is set and never shown.', {
      mutability: 'writeOnly',
      returned: 'never',
      caseExact: true,
    }),
    values('emails', 'E-mail addresses.', attribute('value', 'The address.'), PLACES),
    values('phoneNumbers', 'Telephone numbers.', attribute('value', 'The number.'), [
      'work',
      'home',
      'mobile',
      'fax',
      'pager',
      'other',
    ]),
    values('ims', 'Instant messaging addresses.', attribute('value', 'The address.'), [
      'aim',
      'gtalk',
      'icq',
      'xmpp',
      'msn',
      'skype',
      'qq',
      'yahoo',
    ]),
    values(
      'photos',
      'URLs of pictures of the user.',
      attribute('value', 'The URL of the picture.', {
        type: 'reference',
        referenceTypes: ['external'],
        caseExact: true,
      }),
      ['photo', 'thumbnail'],
    ),
    ADDRESSES,
    GROUPS,
    values('entitlements', 'What the user is entitled to.', attribute('value', 'The entitlement.')),
    values('roles', 'The roles of the user.', attribute('value', 'The role.')),
    values(
      'x509Certificates',
      'Certificates of the user.',
      attribute('value', 'The certificate: DER, then base64.', { type: 'binary', caseExact: true }),
    ),
  ],
}
