/** RFC 3339 text in UTC of a time in milliseconds, as SCIM `dateTime` and the admin API show it. */
export function toRfc3339(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}

/** Milliseconds of an RFC 3339 / xsd:dateTime text; undefined when it is none. */
export function fromRfc3339(text: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/i.test(text))
    return undefined
  // Without an offset the time is taken as UTC, not as the machine's own zone (xsd:dateTime leaves it open).
  const zoned = /(Z|[+-]\d\d:\d\d|^\d{4}-\d\d-\d\d)$/i.test(text) ? text : `${text}Z`
  const milliseconds = Date.parse(zoned)
  return Number.isNaN(milliseconds) ? undefined : milliseconds
}
