import { atMost } from '../../domain/time-schemas.ts';
import type { RawDevice, RowContext } from './device-columns.ts';
import type { RowNotes } from './row-report.ts';
import { readFlag, readTime } from './values.ts';

/**
 * Since when a device wants no messages, null when it wants them, undefined when the row says nothing about it.
 * Several columns may speak of consent. An opt-out in any of them counts.
 */
export function consentOf(context: RowContext, raw: RawDevice, notes: RowNotes): string | null | undefined {
  const { unsubscribed, unsubscribed_at, subscribed } = raw;
  if (unsubscribed === undefined && unsubscribed_at === undefined && subscribed === undefined)
    return undefined;
  const said = [
    optOut(context, 'unsubscribed', unsubscribed, notes),
    optOut(context, 'unsubscribed_at', unsubscribed_at, notes),
    optIn(context, subscribed, notes),
  ];
  // ISO texts of one form sort as times. A date says more than a flag, which stands for now.
  const since = said.filter((one) => typeof one === 'string').toSorted()[0];
  return since ?? (said.includes(null) ? null : undefined);
}

/** A date of a form that is not read. Words and empty dates are not. */
const LOOKS_LIKE_A_DATE = /[1-9]\d*\D{1,3}\d|[1-9]\d{4,}/;

/** A flag, or the date of the opt-out, which CRMs write into either column. */
function optOut(
  { now, dateOrder }: RowContext,
  field: string,
  value: unknown,
  notes: RowNotes,
): string | null | undefined {
  if (isEmpty(value)) return undefined;
  const flag = readFlag(value);
  if (flag !== undefined) return flag ? now.toISOString() : null;
  const at = readTime(String(value).trim(), dateOrder);
  // The opt-out is certain, only its day is not.
  if (at === 'ambiguous_date') return now.toISOString();
  if (at === 'invalid_time' && field === 'unsubscribed_at' && LOOKS_LIKE_A_DATE.test(String(value)))
    return now.toISOString();
  if (typeof at === 'string') {
    return notes.refuse(field, field === 'unsubscribed' ? 'not_true_or_false' : 'invalid_time');
  }
  return atMost(now, at).toISOString();
}

function optIn({ now }: RowContext, value: unknown, notes: RowNotes): string | null | undefined {
  if (isEmpty(value)) return undefined;
  const text =
    typeof value === 'string'
      ? value
          .trim()
          .toLowerCase()
          .replace(/[\s_-]/g, '')
      : '';
  // In this column the words of consent mean what they say.
  const named = WORDS.get(text);
  const flag = named ?? readFlag(value);
  if (flag === undefined) return notes.refuse('subscribed', 'not_true_or_false');
  return flag ? null : now.toISOString();
}

const WORDS: ReadonlyMap<string, boolean> = new Map([
  ['subscribed', true],
  ['optedin', true],
  ['optin', true],
  ['unsubscribed', false],
  ['optedout', false],
  ['optout', false],
]);

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'string' && value.trim() === '');
}
