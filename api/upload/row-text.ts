import { EXTERNAL_ID } from '../../domain/devices/device.ts';
import { isStorable } from '../../domain/plain-text.ts';
import type { RowNotes } from './row-report.ts';
import { isRoundedBySpreadsheet } from './values.ts';

const REPLACEMENT = '\ufffd';
type TextReason = 'not_text' | 'too_long' | 'not_storable' | 'invalid_utf8';

/**
 * The text without the space around it. Undefined when the column is missing or the text has a fault, null when the
 * value is empty.
 */
export function textOf(
  field: string,
  value: unknown,
  max: number,
  notes: RowNotes,
  atFault: 'refuse' | 'leaveOut' = 'refuse',
): string | null | undefined {
  if (value === undefined) return undefined;
  if (value === null || value === '') return null;
  if (typeof value !== 'string') return notes[atFault](field, 'not_text');
  const text = value.trim();
  if (text === '') return null;
  const fault = textFault(text, max);
  return fault === undefined ? text : notes[atFault](field, fault);
}

export function textFault(text: string, max: number): TextReason | undefined {
  if (text.length > max) return 'too_long';
  if (!isStorable(text)) return 'not_storable';
  return text.includes(REPLACEMENT) ? 'invalid_utf8' : undefined;
}

/** What databases and spreadsheets write for nothing. */
const NO_ID = /^(?:null|undefined|none|nan|nil|\\n|n\/a|#(?:n\/a|ref!|value!|name\?|null!))$/i;

export function idOf(field: string, value: unknown, notes: RowNotes): string | null | undefined {
  const text = textOf(field, value, 200, notes);
  if (!text) return text;
  if (NO_ID.test(text))
    return field === 'user_id' ? notes.leaveOut(field, 'not_an_id') : notes.refuse(field, 'missing');
  if (!EXTERNAL_ID.test(text)) return notes.refuse(field, 'invalid_id');
  return isRoundedBySpreadsheet(text) ? notes.refuse(field, 'rounded_by_spreadsheet') : text;
}
