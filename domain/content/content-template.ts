import { Liquid, type Template } from 'liquidjs';

/**
 * The permitted tags and filters. Loops, assignments and files are excluded, as are filters whose output can
 * be much longer than their input (`replace` and `date` can make megabytes out of one character).
 */
const TAGS = ['if', 'unless', 'case', 'comment'];
const FILTERS = [
  ...[
    'append',
    'prepend',
    'upcase',
    'downcase',
    'capitalize',
    'strip',
    'lstrip',
    'rstrip',
    'default',
    'size',
  ],
  ...[
    'truncate',
    'truncatewords',
    'slice',
    'remove',
    'remove_first',
    'remove_last',
    'plus',
    'minus',
    'times',
  ],
  ...['divided_by', 'modulo', 'round', 'floor', 'ceil', 'abs', 'at_least', 'at_most'],
];
const LIMITS = {
  parseLimit: 2_000,
  memoryLimit: 100_000,
  templateLimit: 2_000,
  /** Far above the time of any permitted template, so that a busy machine does not make a message fail. */
  renderLimit: 1_000,
};

export type Values = Readonly<Record<string, string | number | boolean>>;

export interface TextTemplate {
  /** The variables of the template, each with the names after its dots. */
  readonly paths: readonly (readonly unknown[])[];
  /** Throws when a filter rejects a value or a limit is reached. */
  render(values: Values): string;
}

/** The text is not a valid template, or uses a tag or filter that is not permitted. */
export class TemplateError extends Error {
  override name = 'TemplateError';
}

const engines = {
  text: createEngine(undefined),
  url: createEngine((value) => encodeURIComponent(String(value))),
};

function createEngine(outputEscape: ((value: unknown) => string) | undefined): Liquid {
  const engine = new Liquid({
    ...LIMITS,
    strictFilters: true,
    strictVariables: true,
    lenientIf: false,
    ownPropertyOnly: true,
    templates: {},
    ...(outputEscape === undefined ? {} : { outputEscape }),
  });
  keepOnly(engine.tags, TAGS);
  keepOnly(engine.filters, FILTERS);
  return engine;
}

function keepOnly(registered: Record<string, unknown>, names: readonly string[]): void {
  for (const name of Object.keys(registered)) if (!names.includes(name)) delete registered[name];
}

export function isTemplate(text: string): boolean {
  return text.includes('{{') || text.includes('{%');
}

/** Parses a template. In a URL the values are percent-encoded. Throws a TemplateError. */
export function parseTemplate(text: string, kind: 'text' | 'url'): TextTemplate {
  const engine = engines[kind];
  return orTemplateError(() => {
    const parsed: Template[] = engine.parse(text);
    const render = (values: Values) => wellFormed(String(engine.renderSync(parsed, values)));
    return {
      paths: engine.globalVariableSegmentsSync(parsed),
      render: plainRender(text, kind) ?? ((values) => orTemplateError(() => render(values))),
    };
  });
}

const PLAIN = /\{\{ *([A-Za-z_][A-Za-z0-9_]*) *\}\}/g;
const WORDS = ['true', 'false', 'nil', 'null', 'blank', 'empty'];

/** The renderer of a template with texts and variables only. liquidjs would take 20 µs per rendering. */
function plainRender(text: string, kind: 'text' | 'url'): TextTemplate['render'] | undefined {
  // Texts and names alternate.
  const pieces = text.split(PLAIN);
  const isPlain = pieces.every((piece, no) => (no % 2 === 0 ? !/[{}]/.test(piece) : !WORDS.includes(piece)));
  if (!isPlain) return undefined;
  return (values) => {
    let made = pieces[0] ?? '';
    for (let no = 1; no < pieces.length; no += 2) {
      const value = values[pieces[no] ?? ''];
      if (value === undefined) throw new TemplateError(`undefined variable: ${pieces[no]}`);
      made += (kind === 'url' ? encodeURIComponent(String(value)) : String(value)) + (pieces[no + 1] ?? '');
    }
    return made;
  };
}

/** The text without control characters (except line breaks) and unpaired surrogates. */
export function wellFormed(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n]/gu, ' ').toWellFormed();
}

function orTemplateError<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new TemplateError(text.split('\n')[0]?.slice(0, 200) ?? '', { cause: error });
  }
}
