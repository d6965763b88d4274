/**
 * Readers for the payloads of signals and updates, without zod. Every workflow loads all of its modules for
 * itself, and zod among them cost 14 ms and 1.5 MB per workflow.
 */
export type Field<Value> = (value: unknown) => Value | Fault;

export class Fault {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}

type Fields = Readonly<Record<string, Field<unknown>>>;
type ValueOf<Of> = Of extends Field<infer Value> ? Exclude<Value, Fault> : never;
type OptionalKeys<Of extends Fields> = {
  [Key in keyof Of]: undefined extends ValueOf<Of[Key]> ? Key : never;
}[keyof Of];

export type PayloadOf<Of extends Fields> = Of extends Fields
  ? { readonly [Key in Exclude<keyof Of, OptionalKeys<Of>>]: ValueOf<Of[Key]> } & {
      readonly [Key in OptionalKeys<Of>]?: ValueOf<Of[Key]>;
    }
  : never;

export type Read<Payload> =
  | { readonly ok: true; readonly payload: Payload }
  | { readonly ok: false; readonly reason: string };

const MAX_FAULTS = 5;
const MAX_REASON = 500;

/** A reader of objects with these fields. Other fields are refused or left out. The reader never throws. */
export function payloadReader<Of extends Fields>(
  fields: Of,
  others: 'refused' | 'left out' = 'refused',
): (value: unknown) => Read<PayloadOf<Of>> {
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return { ok: false, reason: 'payload: must be one JSON object' };
    }
    const given = new Map(Object.entries(value));
    const faults = [...given.keys()]
      .filter((key) => others === 'refused' && !Object.hasOwn(fields, key))
      .map((key) => `${key}: is not a known field`);
    const payload: Record<string, unknown> = {};
    for (const [key, field] of Object.entries(fields)) {
      const read = field(given.get(key));
      if (read instanceof Fault) faults.push(`${key}: ${given.has(key) ? read.message : 'is missing'}`);
      else if (read !== undefined) payload[key] = read;
    }
    if (faults.length === 0) return { ok: true, payload: payload as PayloadOf<Of> };
    return { ok: false, reason: faults.slice(0, MAX_FAULTS).join('; ').slice(0, MAX_REASON) };
  };
}

export function matching(pattern: RegExp, message: string): Field<string> {
  return (value) => (typeof value === 'string' && pattern.test(value) ? value : new Fault(message));
}

export function text(max = Number.POSITIVE_INFINITY, min = 0): Field<string> {
  return (value) => {
    if (typeof value !== 'string') return new Fault('must be text');
    return value.length < min || value.length > max
      ? new Fault(`must have ${min} to ${max} characters`)
      : value;
  };
}

/** A text field, read without the space around the text. */
export function trimmed(field: Field<string>): Field<string> {
  return (value) => field(typeof value === 'string' ? value.trim() : value);
}

export function whole(min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER): Field<number> {
  const from = min > Number.MIN_SAFE_INTEGER ? ` from ${min}` : '';
  const to = max < Number.MAX_SAFE_INTEGER ? ` to ${max}` : '';
  return (value) =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max
      ? value
      : new Fault(`must be a whole number${from}${to}`);
}

export function oneOf<const Values extends readonly string[]>(values: Values): Field<Values[number]> {
  return (value) => values.find((each) => each === value) ?? new Fault(`must be one of ${values.join(', ')}`);
}

export function nullable<Value>(field: Field<Value>): Field<Value | null> {
  return (value) => (value === null ? null : field(value));
}

export function optional<Value>(field: Field<Value>): Field<Value | undefined> {
  return (value) => (value === undefined ? undefined : field(value));
}
