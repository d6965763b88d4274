import { EXTERNAL_ID } from './device.ts';

/** Further IDs of a device, under which partners know it. A kind is stored as its index in this list. */
export const IDENTIFIER_KINDS = ['idfa', 'idfv', 'oaid', 'android_id', 'custom_id'] as const;
export type IdentifierKind = (typeof IDENTIFIER_KINDS)[number];

export const IDENTIFIER_FAULTS = {
  all_zeros: 'is all zeros, which devices report when they have no ID',
  not_a_hash: 'must be md5: with 32 hexadecimal digits or sha256: with 64',
  not_an_id: 'is not an ID of this kind',
} as const;
export type IdentifierFault = keyof typeof IDENTIFIER_FAULTS;

/** `raw`: the ID in upper and lower case, because partners hash either. */
export type Identifier =
  | { readonly form: 'raw'; readonly cases: readonly string[] }
  | { readonly form: 'md5' | 'sha256'; readonly hex: string };

interface Rules {
  readonly pattern: RegExp;
  /** Upper and lower case differ. */
  readonly isAsItIs?: true;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const RULES: Readonly<Record<IdentifierKind, Rules>> = {
  idfa: { pattern: UUID },
  idfv: { pattern: UUID },
  oaid: { pattern: /^[0-9a-z-]{8,64}$/i },
  android_id: { pattern: /^[0-9a-f]{8,16}$/i },
  custom_id: { pattern: EXTERNAL_ID, isAsItIs: true },
};
const HASHED = /^(md5|sha256):(.*)$/is;
const DIGITS = { md5: 32, sha256: 64 } as const;

/** Reads an identifier, raw or hashed as in `md5:9e10…` and `sha256:d7a8…`. */
export function readIdentifier(kind: IdentifierKind, text: string): Identifier | IdentifierFault {
  const [, form, digits] = HASHED.exec(text.trim()) ?? [];
  if (form !== undefined && digits !== undefined) {
    return readHash(form.toLowerCase() === 'md5' ? 'md5' : 'sha256', digits);
  }
  const value = text.trim();
  if (/^[0-]+$/.test(value)) return 'all_zeros';
  const { pattern, isAsItIs = false } = RULES[kind];
  if (!pattern.test(value)) return 'not_an_id';
  if (isAsItIs) return { form: 'raw', cases: [value] };
  return { form: 'raw', cases: [...new Set([value.toLowerCase(), value.toUpperCase()])] };
}

function readHash(form: 'md5' | 'sha256', digits: string): Identifier | IdentifierFault {
  if (digits.length !== DIGITS[form] || !/^[0-9a-f]+$/i.test(digits)) return 'not_a_hash';
  return /^0+$/.test(digits) ? 'all_zeros' : { form, hex: digits.toLowerCase() };
}

/** Whether the device ID is the one that devices without an ID share. A short one can be the app's own. */
export function isZeroDeviceId(text: string): boolean {
  return /^[-0]{8,}$/.test(text);
}

/** The values that devices without an ID report. */
export const ZERO_IDS: readonly string[] = [
  '00000000-0000-0000-0000-000000000000',
  ...[8, 15, 16, 32, 64].map((length) => '0'.repeat(length)),
];
