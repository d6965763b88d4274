import { object } from '../read.ts';

type Check = (value: unknown) => boolean;

const words: Check = (value) => typeof value === 'string';
const text: Check = (value) => words(value) && value !== '';
const flag: Check = (value) => value === 0 || value === 1;
const share: Check = (value) => typeof value === 'number' && value >= 0 && value <= 1;
const count: Check = (value) => Number.isInteger(value) && Number(value) >= 0;
const oneOf =
  (...values: readonly string[]): Check =>
  (value) =>
    typeof value === 'string' && values.includes(value);
const either =
  (...checks: readonly Check[]): Check =>
  (value) =>
    checks.some((check) => check(value));

function members(fields: Readonly<Record<string, Check>>): Check {
  const checks = new Map(Object.entries(fields));
  return (value) => {
    const all = object(value);
    return all !== undefined && Object.entries(all).every(([name, one]) => checks.get(name)?.(one) === true);
  };
}

/**
 * The keys that Apple documents for an alert. APNs itself takes any and iOS ignores what it does not know, so
 * that nobody would notice a misspelt one.
 * @see https://developer.apple.com/documentation/usernotifications/generating-a-remote-notification
 */
const APS: Readonly<Record<string, Check>> = {
  alert: either(words, members({ title: words, subtitle: words, body: words })),
  badge: count,
  sound: either(text, members({ critical: flag, name: text, volume: share })),
  'thread-id': text,
  category: text,
  'content-available': flag,
  'mutable-content': flag,
  'interruption-level': oneOf('passive', 'active', 'time-sensitive', 'critical'),
  'relevance-score': share,
  'target-content-id': text,
  'filter-criteria': text,
};

/** The first key of `aps` that iOS would ignore. Undefined when it takes all of them. */
export function ignoredKey(aps: Readonly<Record<string, unknown>>): string | undefined {
  return Object.keys(aps).find((key) => APS[key]?.(aps[key]) !== true);
}
