import { Drop, defaultOperators, Liquid } from 'liquidjs';
import { graphemesOf } from '../graphemes.ts';

/**
 * The permitted tags and filters. Loops, assignments and files are excluded, as are filters whose output can
 * be much longer than their input (`replace` and `date` can make megabytes out of one character).
 */
const TAGS = ['if', 'unless', 'case', 'comment'];
const TEXT_FILTERS = ['append', 'prepend', 'upcase', 'downcase', 'capitalize', 'strip', 'lstrip', 'rstrip'];
const CUTTING_FILTERS = ['truncatewords', 'remove', 'remove_first', 'remove_last'];
const NUMBER_FILTERS = ['plus', 'minus', 'times', 'divided_by', 'modulo', 'round', 'floor', 'ceil', 'abs'];
const FILTERS = [...TEXT_FILTERS, ...CUTTING_FILTERS, ...NUMBER_FILTERS, 'at_least', 'at_most'];
const LIMITS = {
  parseLimit: 2_000,
  memoryLimit: 100_000,
  templateLimit: 2_000,
  /** Far above the time of any permitted template, so that a busy machine does not make a message fail. */
  renderLimit: 1_000,
};

/** A text would show a value that the device does not have. */
export class MissingValue extends Error {
  override name = 'MissingValue';
}

type Filter = (this: unknown, value: unknown, ...args: unknown[]) => unknown;

/** These count characters as people see them. Liquid's own count code points. */
const GRAPHEME_FILTERS: Readonly<Record<string, Filter>> = {
  size: (value) => graphemesOf(String(value)).length,
  slice: (value, begin, length = 1) => {
    const all = graphemesOf(String(value));
    const from = Number(begin) < 0 ? all.length + Number(begin) : Number(begin);
    return from < 0 ? '' : all.slice(from, from + Math.max(0, Number(length))).join('');
  },
  truncate: (value, length = 50, end = '...') => {
    const all = graphemesOf(String(value));
    if (all.length <= Number(length)) return value;
    const kept = Math.max(0, Number(length) - graphemesOf(String(end)).length);
    return all.slice(0, kept).join('') + String(end);
  },
};

const isMissing = (value: unknown) => value === undefined || value === null;

/** A missing value stays missing through every filter but `default`. */
function carryMissing(filter: Filter): Filter {
  return function (value, ...args) {
    return isMissing(value) || args.some(isMissing) ? null : filter.call(this, value, ...args);
  };
}

/** A missing value is neither more nor less than another, and part of none. JavaScript takes it for zero. */
const OPERATORS = Object.fromEntries(
  Object.entries(defaultOperators).map(([name, operator]) => [
    name,
    /[<>]|contains/.test(name)
      ? function* (left: unknown, right: unknown, ctx: never): Generator<unknown, unknown, unknown> {
          if (isMissing(left) || isMissing(right)) return false;
          return yield* operator(left, right, ctx) as Generator<unknown, unknown, unknown>;
        }
      : operator,
  ]),
) as typeof defaultOperators;

type Compare = (left: unknown, right: unknown, ctx: never) => unknown;
const { '==': same, '!=': differs } = OPERATORS as unknown as Readonly<Record<'==' | '!=', Compare>>;

/** A text of nothing counts as missing, so a missing value equals one. */
function areBothNothing(left: unknown, right: unknown): boolean {
  return (isMissing(left) && isEmptyText(right)) || (isMissing(right) && isEmptyText(left));
}

function isEmptyText(value: unknown): boolean {
  return value === '' || (value instanceof Drop && value.valueOf() === '');
}

const COMPARISONS = {
  ...OPERATORS,
  '==': (left: unknown, right: unknown, ctx: never) => areBothNothing(left, right) || same(left, right, ctx),
  '!=': (left: unknown, right: unknown, ctx: never) =>
    !areBothNothing(left, right) && differs(left, right, ctx),
} as unknown as typeof defaultOperators;

/** Missing values are given as null. Conditions and `default` take them, and to show one is an error. */
export function createEngine(written: (value: string) => string): Liquid {
  const engine = new Liquid({
    ...LIMITS,
    operators: COMPARISONS,
    strictFilters: true,
    strictVariables: true,
    lenientIf: false,
    ownPropertyOnly: true,
    templates: {},
    outputEscape: (value) => {
      const plain: unknown = value instanceof Drop ? value.valueOf() : value;
      if (isMissing(plain) || (typeof plain === 'number' && !Number.isFinite(plain)))
        throw new MissingValue();
      return written(String(plain));
    },
  });
  const own = new Map(Object.entries(engine.filters));
  keepOnly(engine.tags, TAGS);
  keepOnly(engine.filters, ['default']);
  for (const name of FILTERS) engine.registerFilter(name, carryMissing(own.get(name) as Filter));
  for (const [name, filter] of Object.entries(GRAPHEME_FILTERS)) {
    engine.registerFilter(name, carryMissing(filter));
  }
  return engine;
}

function keepOnly(registered: Record<string, unknown>, names: readonly string[]): void {
  for (const name of Object.keys(registered)) if (!names.includes(name)) delete registered[name];
}
