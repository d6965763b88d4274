import { z } from 'zod';
import type { DeviceFields } from '../../db/devices/device-rows.ts';
import type { AttributeValue } from '../../domain/devices/device.ts';
import { LIMITS } from '../../domain/devices/device.ts';
import { TimeZone } from '../../domain/time-schemas.ts';
import { Label } from '../http/schemas.ts';
import {
  AttributeName,
  AttributeValue as AttributeText,
  type GivenIdentifiers,
  Identifiers,
  type IdentifiersBody,
  Locale,
} from './device-schemas.ts';

const WARNING_CODES = [
  'unknown_time_zone',
  'unknown_locale',
  'invalid_app_version',
  'invalid_attribute',
  'too_many_attributes',
  'invalid_tag',
  'too_many_tags',
  'invalid_identifier',
  'invalid_subscription',
] as const;
export type WarningCode = (typeof WARNING_CODES)[number];

/** An optional field, or a part of one, that was left out because its value is not valid. */
export const DeviceWarning = z
  .object({ pointer: z.string(), code: z.enum(WARNING_CODES), detail: z.string() })
  .meta({ id: 'DeviceWarning' });
export type DeviceWarning = z.infer<typeof DeviceWarning>;

/** The fields of a registration that describe the device. A value of null removes the stored one. */
export interface GivenFields {
  readonly timeZone?: unknown;
  readonly locale?: unknown;
  readonly appVersion?: unknown;
  readonly attributes?: unknown;
  readonly tags?: unknown;
}

const TEXTS = {
  timeZone: { schema: TimeZone.nullable(), code: 'unknown_time_zone' },
  locale: { schema: Locale.nullable(), code: 'unknown_locale' },
  appVersion: { schema: Label(LIMITS.appVersion).nullable(), code: 'invalid_app_version' },
} as const;

/**
 * Reads the optional fields. An odd value never costs the registration: the value is left out, so that a stored
 * one stays, and a warning says why.
 */
export function readFields(given: GivenFields, warnings: DeviceWarning[]): DeviceFields {
  const texts = Object.entries(TEXTS).flatMap(([name, { schema, code }]) => {
    const value = given[name as keyof typeof TEXTS];
    if (value === undefined) return [];
    const { data, error } = schema.safeParse(value === '' ? null : value);
    if (error !== undefined) warnings.push({ pointer: `/${name}`, code, detail: detailOf(error) });
    return data === undefined ? [] : [[name, data] as const];
  });
  return {
    ...(Object.fromEntries(texts) as Pick<DeviceFields, keyof typeof TEXTS>),
    attributes: readAttributes(given.attributes, warnings),
    tags: readTags(given.tags, warnings),
  };
}

function readAttributes(given: unknown, warnings: DeviceWarning[]): DeviceFields['attributes'] {
  if (given === undefined || given === null) return undefined;
  const warn = (pointer: string, detail: string, code: WarningCode = 'invalid_attribute') =>
    warnings.push({ pointer, code, detail });
  if (typeof given !== 'object' || Array.isArray(given)) {
    warn('/attributes', 'must be an object of text, numbers, true, false and null');
    return undefined;
  }
  const entries = Object.entries(given);
  if (entries.length > LIMITS.attributes) {
    warn('/attributes', `must have at most ${LIMITS.attributes} attributes`, 'too_many_attributes');
    return undefined;
  }
  const kept = entries.filter(([name, value]) => {
    const faults = [AttributeName.safeParse(name).error, AttributeText.safeParse(value).error];
    const fault = faults.find((error) => error !== undefined);
    if (fault !== undefined) warn(`/attributes/${pointerPart(name)}`, detailOf(fault));
    return fault === undefined;
  });
  return Object.fromEntries(kept as [string, AttributeValue][]);
}

const Tag = Label(LIMITS.tag);

function readTags(given: unknown, warnings: DeviceWarning[]): DeviceFields['tags'] {
  if (given === undefined || given === null) return undefined;
  if (!Array.isArray(given)) {
    warnings.push({ pointer: '/tags', code: 'invalid_tag', detail: 'must be a list of text' });
    return undefined;
  }
  if (given.length > LIMITS.tags) {
    const detail = `must have at most ${LIMITS.tags} tags`;
    warnings.push({ pointer: '/tags', code: 'too_many_tags', detail });
    return undefined;
  }
  return given.flatMap((value: unknown, place) => {
    const { data, error } = Tag.safeParse(value);
    if (error === undefined) return [data];
    warnings.push({ pointer: `/tags/${place}`, code: 'invalid_tag', detail: detailOf(error) });
    return [];
  });
}

/** The identifiers that are text, or null to remove one. Empty text counts as null. */
export function readTexts(
  given: GivenIdentifiers | undefined,
  warnings: DeviceWarning[],
): IdentifiersBody | undefined {
  if (given === undefined) return undefined;
  const texts = Object.entries(given).flatMap(([name, value]) => {
    const { data, error } = Identifiers.shape[name as keyof GivenIdentifiers].safeParse(
      value === '' ? null : value,
    );
    if (error === undefined) return [[name, data] as const];
    warnings.push({ pointer: `/identifiers/${name}`, code: 'invalid_identifier', detail: detailOf(error) });
    return [];
  });
  return Object.fromEntries(texts);
}

function detailOf({ issues }: z.ZodError): string {
  return issues[0]?.message ?? 'is not valid';
}

/** A part of a JSON pointer (RFC 6901). Names may hold what cannot be answered, so that only 100 characters stay. */
function pointerPart(name: string): string {
  return name.slice(0, 100).toWellFormed().replaceAll('~', '~0').replaceAll('/', '~1');
}
