import { PLATFORMS } from '../platform.ts';
import type { Content, Message } from './content.ts';
import { attributeOf, isMissed, textsOf } from './content-fill.ts';
import { localesOf } from './content-locale.ts';
import { isTemplate, parseTemplate, type Values } from './content-template.ts';
import { messageOf, variantOf } from './content-variant.ts';

type Variables = NonNullable<Content['variables']>;
type Text = readonly [text: string, kind: 'text' | 'url'];

/** Trials of one text. A text with many variables in its conditions is tried with some of their values. */
const MAX_TRIALS = 60;

/** An attribute without which a device gets nothing. */
export interface Need {
  readonly variable: string;
  readonly attribute: string;
  /** The variants whose texts show the variable. Undefined when all do. */
  readonly variants: readonly number[] | undefined;
}

/** Whether a text shows a variable with any values of the others, or with some that a condition or default asks for. */
export type Shown = 'always' | 'sometimes';

/**
 * The attributes that devices must have, each with the variants for which they must have it. Preparation leaves
 * out devices that lack what is always shown. The sender finds the others, whose values decide.
 */
export function needsOf(content: Content, shown: Shown = 'always'): Need[] {
  const { variables } = content;
  if (variables === undefined) return [];
  const needed = new Map<string, number[]>();
  const neededBy = neededNames(variables, shown);
  const locales = [undefined, ...localesOf(content)];
  for (const locale of locales) {
    for (const platform of PLATFORMS) {
      const variant = variantOf(content, platform, locale);
      for (const name of neededBy(messageOf(content, platform, locale))) {
        needed.set(name, [...(needed.get(name) ?? []), variant]);
      }
    }
  }
  const count = locales.length * PLATFORMS.length;
  return Object.entries(variables).flatMap(([variable, one]) => {
    const variants = needed.get(variable);
    if (variants === undefined) return [];
    const attribute = attributeOf(variable, one);
    return [{ variable, attribute, variants: variants.length === count ? undefined : variants }];
  });
}

/** Finds the variables that a message needs. Messages share most of their texts, and each text is tried once. */
function neededNames(variables: Variables, shown: Shown): (message: Message) => ReadonlySet<string> {
  const known = new Map<string, readonly string[]>();
  const neededIn = ([text, kind]: Text): readonly string[] => {
    const key = `${kind} ${text}`;
    const names = known.get(key) ?? neededInText([text, kind], variables, shown);
    known.set(key, names);
    return names;
  };
  return (message) => new Set(textsOf(message).flatMap(([, text, kind]) => neededIn([text, kind])));
}

function neededInText([text, kind]: Text, variables: Variables, shown: Shown): readonly string[] {
  if (!isTemplate(text)) return [];
  const template = parseTemplate(text, kind);
  const used = [...new Set(template.paths.map(([name]) => String(name)))];
  return used.filter((name) => {
    if (variables[name]?.default !== undefined) return false;
    const others = used.filter((other) => other !== name);
    const isMissedBy = (values: Values) => isMissed(template.render, values, name);
    const trials = trialsOf(text, others);
    return shown === 'always' ? trials.every(isMissedBy) : trials.some(isMissedBy);
  });
}

/** Values of the other variables that lead into each branch: those that the text names, and their neighbours. */
function trialsOf(text: string, others: readonly string[]): Values[] {
  if (!/{%|default/.test(text)) return [Object.fromEntries(others.map((name) => [name, 'a']))];
  const literals = [...text.matchAll(/"([^"]*)"|'([^']*)'/g)].map(([, one, two]) => one ?? two ?? '');
  const numbers = [...text.matchAll(/-?\d+(?:\.\d+)?/g)].flatMap(([digits]) => {
    const number = Number(digits);
    return [number - 1, number, number + 1];
  });
  const samples = [...new Set(['a', false, '', ...literals, ...numbers])];
  let trials: Record<string, string | number | boolean>[] = [{}];
  for (const name of others) {
    const chosen = samples.slice(0, Math.max(1, Math.floor(MAX_TRIALS / trials.length)));
    trials = chosen.flatMap((value) =>
      trials.map((trial) => Object.fromEntries([...Object.entries(trial), [name, value]])),
    );
  }
  return trials;
}
