import { LIMITS } from '../../domain/devices/device.ts';
import { InexactNumber, parseExactJson } from '../../domain/exact-json.ts';
import type { RawDevice } from './device-columns.ts';
import type { ValueReason } from './reasons.ts';
import type { RowNotes } from './row-report.ts';
import { textFault } from './row-text.ts';
import { readAttribute } from './values.ts';

export interface RowAttributes {
  readonly json: string;
  /** Attributes that the row does not name keep their values. */
  readonly isMerged: boolean;
}

/** The attributes of a row, in their own column and in columns that become attributes. */
export function attributesOf({ attributes, extra }: RawDevice, notes: RowNotes): RowAttributes | undefined {
  if (attributes === undefined && extra === undefined) return undefined;
  const given = attributes === undefined ? {} : objectOf(attributes, notes);
  if (given === undefined) return undefined;
  const named = extra === undefined ? given : { ...given, ...valuesOf(extra) };
  const all = areAttributes(named) ? named : fitting(named, notes);
  return { json: JSON.stringify(all), isMerged: attributes === undefined };
}

/** One odd attribute must not cost the row: it is left out, and so are those beyond the limit. */
function fitting(given: object, notes: RowNotes): Record<string, unknown> {
  const kept = Object.entries(given).filter(([name, value]) => {
    const fault = attributeFault(name, value);
    if (fault !== undefined) notes.leaveOut(name.slice(0, 100) || 'attributes', fault);
    return fault === undefined;
  });
  for (const [name] of kept.slice(LIMITS.attributes)) notes.leaveOut(name, 'too_many');
  return Object.fromEntries(kept.slice(0, LIMITS.attributes));
}

function objectOf(value: unknown, notes: RowNotes): object | undefined {
  if (value === null) return {};
  if (typeof value !== 'string')
    return isObject(value) ? value : notes.refuse('attributes', 'invalid_attributes');
  if (value.trim() === '') return {};
  try {
    const parsed = parseExactJson(value);
    return isObject(parsed) ? parsed : notes.refuse('attributes', 'invalid_attributes');
  } catch {
    return notes.refuse('attributes', 'invalid_json');
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The cells of columns that become attributes. */
function valuesOf(extra: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(
    Object.entries(extra).map(([name, cell]) => [
      name,
      typeof cell === 'string' ? readAttribute(cell) : cell,
    ]),
  );
}

function attributeFault(name: string, value: unknown): ValueReason | undefined {
  if (value instanceof InexactNumber) return 'inexact_number';
  if (typeof value === 'object' && value !== null) return 'attribute_not_flat';
  const ofName = name === '' ? 'not_storable' : textFault(name, LIMITS.attributeName);
  return ofName ?? (typeof value === 'string' ? textFault(value, LIMITS.attributeValue) : undefined);
}

/** The rules of the schema `Attributes`, which itself would take longer than all other work on a row. */
function areAttributes(value: object): boolean {
  const entries = Object.entries(value);
  return (
    entries.length <= LIMITS.attributes &&
    entries.every(([name, one]) => attributeFault(name, one) === undefined)
  );
}
