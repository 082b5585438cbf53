/**
 * What administrators read about each tolerated peculiarity of a client: what was seen, and what to change in the
 * client so that it is seen no more. Data only; the numbers are stable, they are stored with counts.
 */
interface Quirk {
  readonly description: string
  readonly remedy: string
}

const FLAG = 'In Entra, add ?aadOptscim062020 to the tenant URL.'
const NOTHING = 'Nothing has to change.'

export const QUIRKS = {
  1: { description: 'The op of a PATCH operation was not in lower case.', remedy: FLAG },
  2: {
    description: 'A boolean was sent as the text "True" or "False".',
    remedy: `${FLAG} Elsewhere, map a boolean instead of a text.`,
  },
  4: {
    description: 'A PATCH selected an element by a filter that matches none; it was created.',
    remedy: `${NOTHING} Add the element as a whole where the client can.`,
  },
  6: {
    description: 'A PATCH without path had member names that are paths, such as "name.givenName".',
    remedy: `${NOTHING} Nest the sub-attributes where the client can.`,
  },
  8: {
    description: 'Members were removed by a value array instead of a filter.',
    remedy: FLAG,
  },
  9: {
    description: 'Members were sent as a text or a single object instead of an array of objects.',
    remedy: 'Send members as [{"value": "<id>"}].',
  },
  10: {
    description: 'Members carried "$ref": null or a display name; both were ignored.',
    remedy: NOTHING,
  },
  11: {
    description: 'The manager was sent as a text, an array or an empty value.',
    remedy: 'Send manager as {"value": "<id>"}, and remove it with the op "remove".',
  },
  13: {
    description: 'A role was sent as JSON text, or with displayName instead of display.',
    remedy:
      'In Entra, map roles with AssertiveAppRoleAssignmentsComplex, and add ?aadOptscim062020 to the tenant URL.',
  },
  17: {
    description: 'A filter went on after a value filter: emails[type eq "work"].value eq "x".',
    remedy: 'Send emails[type eq "work" and value eq "x"].',
  },
  18: {
    description: 'A value in a filter was not quoted.',
    remedy: 'Send texts in double quotes: externalId eq "x".',
  },
  22: {
    description: 'A body had no content type, or one with another subtype or charset.',
    remedy: 'Send Content-Type: application/scim+json.',
  },
  23: {
    description: 'An attribute or schema that we do not know was ignored.',
    remedy: 'Remove the attribute from the mapping, or check its spelling.',
  },
  24: {
    description: 'An attribute of an extension that we do not know was stored as it was sent.',
    remedy: `${NOTHING} No directory receives it.`,
  },
  25: {
    description: 'A path had a dot between extension URN and attribute.',
    remedy: 'In Entra, recreate the app: only jobs made before December 2018 send this.',
  },
  27: {
    description: 'An attribute was cleared by an empty text.',
    remedy: 'Clear it with the op "remove" or the value null.',
  },
  28: {
    description:
      'An e-mail address, telephone number or address took the place of one of its type.',
    remedy: 'Give each element another type, or replace the element by a filter.',
  },
  32: {
    description: 'A PATCH had no operations; nothing was changed.',
    remedy: `${NOTHING} Map at least one attribute.`,
  },
  37: {
    description: 'The attribute emails was sent as a text.',
    remedy: 'In Entra, map emails[type eq "work"].value instead of emails.',
  },
  38: {
    description: 'The URL had a double slash or a resource name in another case.',
    remedy: 'Remove the slash at the end of the tenant URL.',
  },
  39: {
    description: 'A name in attributes or excludedAttributes had a filter.',
    remedy: 'Send names without brackets, such as emails.value.',
  },
  40: {
    description: 'An array of one element was sent for an attribute with a single value.',
    remedy: 'Send the value without the array.',
  },
} as const satisfies Readonly<Record<number, Quirk>>

/** The number under which a tolerated peculiarity is counted and shown. */
export type QuirkNumber = keyof typeof QUIRKS
