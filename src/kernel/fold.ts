/**
 * The key under which texts that differ only in case are equal (usernames, e-mail addresses, group names).
 * SQLite folds ASCII alone, so keys are folded here and stored beside the value.
 */
export const foldCase = (text: string): string => text.normalize('NFC').toLowerCase()
