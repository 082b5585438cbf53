/**
 * Below, at or above 0 as `a` comes before, with or after `b`. Texts by code points, as databases order UTF-8:
 * JavaScript's own operators put U+1F600 before U+FF01, because they compare halves of characters.
 */
export function compareTexts(a: string, b: string): number {
  let at = 0
  while (at < a.length && a.charCodeAt(at) === b.charCodeAt(at)) at += 1
  return (a.codePointAt(at) ?? -1) - (b.codePointAt(at) ?? -1)
}
