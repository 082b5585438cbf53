/** A value for each attribute that a client may write, and another to replace it by. */
import type { Json } from '../../../src/kernel/json.ts'

interface Sample {
  readonly section: string
  readonly first: Json
  readonly second: Json
}

const single = (first: Json, second: Json): Sample => ({ section: '4.1.1', first, second })
const plural = (first: Json, second: Json): Sample => ({ section: '4.1.2', first, second })
const enterprise = (first: Json, second: Json): Sample => ({ section: '4.3', first, second })

export const USER_SAMPLES: Readonly<Record<string, Sample>> = {
  displayName: single('Babs Jensen', 'Barbara Jensen'),
  nickName: single('Babs', 'Barb'),
  profileUrl: single('https://login.example.com/bjensen', 'https://login.example.com/Babs'),
  title: single('Tour Guide', 'Vice President'),
  userType: single('Employee', 'Contractor'),
  preferredLanguage: single('en-US', 'de-CH'),
  locale: single('en-US', 'fr-CH'),
  timezone: single('America/Los_Angeles', 'Europe/Zurich'),
  active: single(true, false),
  name: single(
    { formatted: 'Ms. Barbara J Jensen, III', familyName: 'Jensen', givenName: 'Barbara' },
    { formatted: 'B. Jensen', familyName: 'Jensen', givenName: 'B', middleName: 'Jane' },
  ),
  phoneNumbers: plural(
    [{ type: 'work', value: '+1 555 555 8377' }],
    [
      { type: 'mobile', value: '555-555-4444' },
      { type: 'fax', value: '1' },
    ],
  ),
  ims: plural(
    [{ type: 'aim', value: 'someaimhandle' }],
    [{ type: 'xmpp', value: 'b@example.com' }],
  ),
  photos: plural(
    [{ type: 'photo', value: 'https://photos.example.com/P1/F' }],
    [{ type: 'thumbnail', value: 'https://photos.example.com/P1/T' }],
  ),
  addresses: plural(
    [
      {
        type: 'work',
        streetAddress: '100 Universal City Plaza',
        locality: 'Hollywood',
        region: 'CA',
        postalCode: '91608',
        country: 'USA',
        formatted: '100 Universal City Plaza\nHollywood, CA 91608 USA',
      },
    ],
    [{ type: 'home', locality: 'Bern', country: 'CH' }],
  ),
  entitlements: plural([{ value: 'car', type: 'perk' }], [{ value: 'bike' }]),
  roles: plural([{ value: 'Student' }], [{ value: 'Staff', display: 'Staff', primary: true }]),
  x509Certificates: plural([{ value: 'MIIDQzCCAqygAwIBAgICEAAw' }], [{ value: 'QUJD' }]),
}

export const ENTERPRISE_SAMPLES: Readonly<Record<string, Sample>> = {
  employeeNumber: enterprise('701984', '0701984'),
  costCenter: enterprise('4130', 'CC-1'),
  organization: enterprise('Universal Studios', 'Universal'),
  division: enterprise('Theme Park', 'Films'),
  department: enterprise('Tour Operations', 'Sales'),
}
