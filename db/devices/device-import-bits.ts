/**
 * The fields of an import that a row may leave out. A row's `given` has a bit for each that it has, in this
 * order.
 */
export const OPTIONAL_FIELDS = [
  'token',
  'userId',
  'timeZone',
  'locale',
  'appVersion',
  'tags',
  'attributes',
  'lastActiveAt',
  'unsubscribed',
] as const;

export type OptionalField = (typeof OPTIONAL_FIELDS)[number];

export function bitOf(field: OptionalField): number {
  return 1 << OPTIONAL_FIELDS.indexOf(field);
}

/** The bits of the kinds of identifiers follow those of the fields. */
export function bitOfIdentifier(kindCode: number): number {
  return 1 << (OPTIONAL_FIELDS.length + kindCode);
}
