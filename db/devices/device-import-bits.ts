/**
 * Fields that a row of an import may leave out. A row's `given` has one bit per field that is present, in
 * this order.
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
  'unsubscribedAt',
] as const;

export type OptionalField = (typeof OPTIONAL_FIELDS)[number];

export function bitOf(field: OptionalField): number {
  return 1 << OPTIONAL_FIELDS.indexOf(field);
}

/** The attributes of the row join those of a known device, and do not replace them. */
export const MERGES_ATTRIBUTES = 1 << OPTIONAL_FIELDS.length;

/** Bits of identifier kinds, which follow the bits of the fields. */
export function bitOfIdentifier(kindCode: number): number {
  return 1 << (OPTIONAL_FIELDS.length + 1 + kindCode);
}
