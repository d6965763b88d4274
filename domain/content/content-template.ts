import type { Template } from 'liquidjs';
import { createEngine, MissingValue } from './template-engine.ts';

/** A variable's value. Null when the device has none. */
export type Values = Readonly<Record<string, string | number | boolean | null>>;

export interface TextTemplate {
  /** The variables of the template, each with the names after its dots. */
  readonly paths: readonly (readonly unknown[])[];
  /** Throws when a value is missing, when a filter rejects a value, or when a limit is reached. */
  render(values: Values): string;
}

/** The text is not a valid template, or uses a tag or filter that is not permitted. */
export class TemplateError extends Error {
  override name = 'TemplateError';
}

/** The text shows a value that is missing, neither in a condition nor with a `default`. */
export class MissingValueError extends TemplateError {
  override name = 'MissingValueError';
}

const engines = { text: createEngine((value) => value), url: createEngine(encodeURIComponent) };

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
      if (value === null) throw new MissingValueError(`missing value: ${pieces[no]}`);
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
    const Kind = isMissingValue(error) ? MissingValueError : TemplateError;
    throw new Kind(text.split('\n')[0]?.slice(0, 200) ?? '', { cause: error });
  }
}

/** liquidjs wraps what a filter throws. */
function isMissingValue(error: unknown): boolean {
  const { originalError } = Object(error) as { originalError?: unknown };
  return originalError instanceof MissingValue;
}
