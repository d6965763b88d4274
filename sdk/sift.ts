/** The fields of a body that a request can carry, and the reasons why the others were left out. */
export interface Sifted<Fields> {
  readonly kept: Fields;
  readonly faults: readonly Unfit[];
}

/** A value that JSON cannot hold. */
export interface Unfit {
  /** RFC 6901. */
  readonly pointer: string;
  readonly detail: string;
}

class Unsendable extends Error {}

/** Leaves out what JSON cannot hold. In `records` it leaves out the faulty entries alone. */
export function sift<Fields extends object>(
  fields: Fields,
  records: readonly string[] = [],
  at = '',
): Sifted<Fields> {
  const faults: Unfit[] = [];
  const kept = Object.keys(fields).flatMap((name) => {
    const pointer = `${at}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    try {
      const value = fields[name as keyof Fields];
      if (!records.includes(name) || !isRecord(value)) return [[name, plain(value, [])]];
      const inner = sift(value, [], pointer);
      faults.push(...inner.faults);
      return [[name, inner.kept]];
    } catch (error) {
      const detail = error instanceof Unsendable ? error.message : `cannot be read: ${String(error)}`;
      faults.push({ pointer, detail });
      return [];
    }
  });
  return { kept: Object.fromEntries(kept.filter(([, value]) => value !== undefined)), faults };
}

/** Whether JSON can hold the value, if with losses. */
export function isSendable(value: unknown): boolean {
  try {
    return typeof JSON.stringify(value) === 'string';
  } catch {
    return false;
  }
}

/** A copy in the form that JSON gives the value. Unlike JSON, functions, symbols and maps are not dropped silently. */
function plain(value: unknown, within: readonly object[]): unknown {
  if (typeof value === 'bigint' || typeof value === 'function' || typeof value === 'symbol')
    throw new Unsendable(`is a ${typeof value}, which JSON cannot hold: send text or a number`);
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value !== 'object' || value === null) return value;
  if (within.includes(value))
    throw new Unsendable('contains itself, which JSON cannot hold: send its parts as text or numbers');
  const inside = [...within, value];
  const { toJSON } = value as { toJSON?: unknown };
  if (typeof toJSON === 'function') return plain(toJSON.call(value), inside);
  if (Array.isArray(value)) return value.map((one: unknown) => plain(one, inside) ?? null);
  if (!isRecord(value))
    throw new Unsendable(`is a ${tagOf(value)}, which JSON cannot hold: send text or a number`);
  const entries = Object.keys(value).map((name) => [name, plain(value[name], inside)] as const);
  return Object.fromEntries(entries.filter(([, inner]) => inner !== undefined));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && tagOf(value) === 'Object';
}

function tagOf(value: object): string {
  return Object.prototype.toString.call(value).slice('[object '.length, -1);
}
