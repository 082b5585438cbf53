/**
 * The staff of a made-up Contoso, as its Entra tenant holds it before the cycle: ten offices of ten people, names as their
 * owners write them. The first of an office leads it; the very first leads the company.
 */

export interface Person {
  readonly givenName: string
  readonly surname: string
  readonly displayName: string
  readonly userPrincipalName: string
  /** Null: no mailbox, so Entra sends no e-mail address. */
  readonly mail: string | null
  readonly mailNickname: string
  readonly jobTitle: string
  readonly department: string
  readonly employeeId: string
  readonly preferredLanguage: string
  readonly physicalDeliveryOfficeName: string
  readonly streetAddress: string
  readonly city: string
  /** Null: addresses of that country have none. */
  readonly state: string | null
  readonly postalCode: string
  readonly country: string
  readonly telephoneNumber: string
  readonly mobile: string | null
  readonly facsimileTelephoneNumber: string | null
  /** The userPrincipalName of the manager. */
  readonly manager: string | null
}

interface Office {
  readonly language: string
  readonly address: readonly [street: string, city: string, state: string | null, postal: string]
  readonly country: string
  readonly dial: string
  /** `given|surname`, and `|name` where the address is not made of them; five to a line. */
  readonly staff: readonly string[]
}

const OFFICES: readonly Office[] = [
  {
    language: 'en-US',
    address: ['1 Contoso Way', 'Redmond', 'WA', '98052'],
    country: 'United States',
    dial: '+1 425 555 0',
    staff: [
      'Adele|Vance, Megan|Bowen, Alex|Wilber, Lynne|Robbins, Grady|Archie',
      'Patti|Fernandez, Isaiah|Langer, Nestor|Wilke, Joni|Sherman, Johanna|Lorenz',
    ],
  },
  {
    language: 'en-GB',
    address: ['22 Bishopsgate', 'London', null, 'EC2N 4BQ'],
    country: 'United Kingdom',
    dial: '+44 20 7946 0',
    staff: [
      "Miles|O'Brien, Siobhán|O'Connor, Pip|ap Rhys, Ffion|Llewellyn-Jones, Ewan|MacLeod",
      "Zoë|Hart, Nia|Okafor, Tom|Baker, D'Arcy|St John, Imogen|Clarke",
    ],
  },
  {
    language: 'de-DE',
    address: ['Theresienhöhe 11', 'München', 'Bayern', '80339'],
    country: 'Germany',
    dial: '+49 89 555 0',
    staff: [
      'Jürgen|Groß, Anna-Lena|Müller, Björn|Schäfer, Käthe|von der Heide, Uwe|Weiß',
      'Sören|Krüger, Heike|Böhm, Lukas|Lehmann, Mareike|Jäger, Ömer|Yıldız',
    ],
  },
  {
    language: 'fr-FR',
    address: [
      '39 quai du Président Roosevelt, bâtiment B',
      'Issy-les-Moulineaux',
      'Île-de-France',
      '92130',
    ],
    country: 'France',
    dial: '+33 1 55 50 0',
    staff: [
      "Élodie|Lefèvre, François|Dubois, Anaïs|L'Hôpital, Jean-Baptiste|Noël, Chloé|Moreau",
      'Aurélien|Çelik, Maëlle|Le Goff, Rémi|Fournier, Inès|de La Tour, Gaël|Rousseau',
    ],
  },
  {
    language: 'es-ES',
    address: ['Paseo de la Castellana 259', 'Madrid', 'Madrid', '28046'],
    country: 'Spain',
    dial: '+34 91 555 0',
    staff: [
      'Íñigo|Martínez Peña, Lucía|Fernández Ibáñez, Álvaro|Núñez, Begoña|Muñoz, Joaquín|Sáez',
      'Pilar|Gutiérrez, Ángel|Cano, Nuria|Vidal, Rocío|Ordóñez, Xavi|Puig',
    ],
  },
  {
    language: 'pl-PL',
    address: ['Al. Jerozolimskie 195A', 'Warszawa', 'mazowieckie', '02-222'],
    country: 'Poland',
    dial: '+48 22 555 0',
    staff: [
      'Łukasz|Wójcik, Małgorzata|Dąbrowska, Żaneta|Kaczmarek, Paweł|Świątek, Agnieszka|Zięba',
      'Michał|Kowalczyk, Ewa|Szczęsna, Stanisław|Górski, Zofia|Nowak-Lis, Jan|Król',
    ],
  },
  {
    language: 'sv-SE',
    address: ['Regeringsgatan 25', 'Stockholm', null, '111 53'],
    country: 'Sweden',
    dial: '+46 8 555 0',
    staff: [
      'Åsa|Öberg, Björn|Ångström, Märta|Sjöberg, Håkan|Lindqvist, Linnéa|Ek',
      'Göran|Nyström, Søren|Kjær, Ragnhild|Ødegård, Þóra|Jónsdóttir, Aino|Mäkelä',
    ],
  },
  {
    language: 'pt-BR',
    address: ['Av. Presidente Juscelino Kubitschek 1909', 'São Paulo', 'SP', '04543-907'],
    country: 'Brazil',
    dial: '+55 11 5550 0',
    staff: [
      'João|Gonçalves, Conceição|Araújo, Antônio|Simões, Luíza|Magalhães, Caio|Brandão',
      'Débora|Sant’Anna, Thiago|Corrêa, Mônica|Assunção, Vitória|Paixão, Zé|Leão',
    ],
  },
  {
    language: 'ja-JP',
    address: ['港南2-16-3', '港区', '東京都', '108-0075'],
    country: 'Japan',
    dial: '+81 3 5550 0',
    staff: [
      '美咲|佐藤|misaki.sato, 健太|鈴木|kenta.suzuki, 陽子|高橋|yoko.takahashi, 大輔|渡辺|daisuke.watanabe, さくら|伊藤|sakura.ito',
      '翔|山本|sho.yamamoto, 由美|中村|yumi.nakamura, 誠|小林|makoto.kobayashi, 恵|加藤|megumi.kato, 龍之介|𠮷田|ryunosuke.yoshida',
    ],
  },
  {
    language: 'tr-TR',
    address: ['Levent Mah. Aydın Sok. No:7', 'İstanbul', 'Beşiktaş', '34340'],
    country: 'Türkiye',
    dial: '+90 212 555 0',
    staff: [
      'İpek|Çağlar, Oğuz|Şahin, Ayşe|Gündüz, Çiğdem|Işık, Nguyễn|Thị Hương',
      'Đặng|Văn Minh, Κώστας|Παππάς|kostas.pappas, Олена|Шевченко|olena.shevchenko, Дмитро|Бойко|dmytro.boiko, محمد|الفاسي|mohamed.elfassi',
    ],
  },
]

const DEPARTMENTS = ['Engineering', 'Sales', 'Marketing', 'Finance', 'R+D', 'Human Resources']
const TITLES = [
  'Engineer',
  'Account Manager',
  'Designer & Writer',
  'Controller',
  'Researcher',
  'Recruiter',
]
const LETTERS: Readonly<Record<string, string>> = {
  ß: 'ss',
  ł: 'l',
  ø: 'o',
  æ: 'ae',
  đ: 'd',
  ı: 'i',
  þ: 'th',
  ð: 'd',
  ö: 'oe',
  ü: 'ue',
  ä: 'ae',
}

/** `Jürgen Groß` becomes `juergen.gross`; an apostrophe stays, as Microsoft 365 allows it in a name. */
function addressName(givenName: string, surname: string): string {
  const letters = Array.from(`${givenName}.${surname}`.toLowerCase().normalize('NFC'))
  return letters
    .map((letter) => LETTERS[letter] ?? letter)
    .join('')
    .normalize('NFKD')
    .replaceAll(/[^a-z.'-]/g, '')
}

function person(office: Office, officeNumber: number, entry: string, place: number): Person {
  const [givenName = '', surname = '', given] = entry.split('|')
  const local = given ?? addressName(givenName, surname)
  const number = officeNumber * 10 + place
  const leads = place === 0
  const area = (number * 7) % DEPARTMENTS.length
  const digits = String(100 + number)
  const [streetAddress, city, state, postalCode] = office.address
  return {
    givenName,
    surname,
    displayName:
      office.language === 'ja-JP' ? `${surname} ${givenName}` : `${givenName} ${surname}`,
    userPrincipalName: `${local}@contoso.com`,
    mail: mailOf(local, number),
    mailNickname: local.replaceAll("'", ''),
    jobTitle: number === 0 ? 'Chief Executive Officer' : leads ? 'Director' : (TITLES[area] ?? ''),
    department: leads ? 'Management' : (DEPARTMENTS[area] ?? ''),
    employeeId: `E${1000 + number}`,
    preferredLanguage: office.language,
    physicalDeliveryOfficeName: `${officeNumber + 1}/${digits}`,
    streetAddress,
    city,
    state,
    postalCode,
    country: office.country,
    telephoneNumber: `${office.dial}${digits}`,
    mobile: number % 3 === 0 ? `${office.dial.split(' ')[0]} 700 555 ${digits}` : null,
    facsimileTelephoneNumber: number % 10 === 3 ? `${office.dial}9${digits.slice(1)}` : null,
    manager: null,
  }
}

/** Most mailboxes are named like their owner; some have another name or domain, and two people have none. */
function mailOf(local: string, number: number): string | null {
  if (number === 27 || number === 64) return null
  if (number % 25 === 6) return `${local.replace('.', '_')}@contoso.com`
  return number % 40 === 12 ? `${local}@contoso.onmicrosoft.com` : `${local}@contoso.com`
}

/** The 100 people, in the order in which Entra reads them. */
export const PEOPLE: readonly Person[] = withManagers(
  OFFICES.flatMap((office, officeNumber) =>
    office.staff
      .flatMap((line) => line.split(', '))
      .map((entry, place) => person(office, officeNumber, entry, place)),
  ),
)

function withManagers(people: readonly Person[]): readonly Person[] {
  const upn = (number: number) => people[number]?.userPrincipalName ?? null
  return people.map((one, number) => ({
    ...one,
    manager: number === 0 ? null : upn(number % 10 === 0 ? 0 : number - (number % 10)),
  }))
}
