import type { Platform } from '../platform.ts';
import type { Content, MessagePart } from './content.ts';
import { compileMessage, longestOf, textsOf, valuesOf } from './content-fill.ts';
import { localesOf } from './content-locale.ts';
import {
  isTemplate,
  MissingValueError,
  parseTemplate,
  TemplateError,
  type Values,
} from './content-template.ts';
import { messageOf } from './content-variant.ts';
import { payloadBytes, sizeLimit } from './payload-size.ts';

export interface ContentFault {
  /** A JSON pointer within the content. */
  readonly pointer: string;
  readonly detail: string;
}

/** Faults that sending would reveal: unknown variables, invalid templates, payloads that are too large. */
export function checkContent(content: Content, platforms: readonly Platform[]): ContentFault[] {
  const { faults, used } = checkTemplates(content);
  for (const name of Object.keys(content.variables ?? {})) {
    if (!used.has(name)) faults.push({ pointer: `/variables/${name}`, detail: 'is not used in any text' });
  }
  return faults.length > 0 ? faults : checkSizes(content, platforms);
}

/** The parts of the content by place: the base, its translations, the platforms and their translations. */
function partsOf({ locales = {}, platforms = {}, ...base }: Content): [place: string, part: MessagePart][] {
  const translations = (at: string, all: typeof locales) =>
    Object.entries(all).map(([tag, part]): [string, MessagePart] => [`${at}/locales/${tag}`, part]);
  return [
    ['', base],
    ...translations('', locales),
    ...Object.entries(platforms).flatMap(([platform, { locales: own = {}, ...part } = {}]) => [
      [`/platforms/${platform}`, part] as [string, MessagePart],
      ...translations(`/platforms/${platform}`, own),
    ]),
  ];
}

function checkTemplates(content: Content): { faults: ContentFault[]; used: Set<string> } {
  const faults: ContentFault[] = [];
  const used = new Set<string>();
  for (const [at, part] of partsOf(content)) {
    for (const [place, text, kind] of textsOf(part)) {
      if (!isTemplate(text)) continue;
      const pointer = at + place;
      const { variables } = content;
      if (variables === undefined) {
        faults.push({ pointer, detail: 'contains a template, but the content declares no variables' });
        continue;
      }
      faults.push(...faultsOf(text, kind, variables, used).map((detail) => ({ pointer, detail })));
    }
  }
  return { faults, used };
}

type Variables = NonNullable<Content['variables']>;

function faultsOf(text: string, kind: 'text' | 'url', variables: Variables, used: Set<string>): string[] {
  try {
    const faults: string[] = [];
    const template = parseTemplate(text, kind);
    for (const [name, ...rest] of template.paths) {
      used.add(String(name));
      if (!Object.hasOwn(variables, String(name))) faults.push(`uses the unknown variable ${String(name)}`);
      else if (rest.length > 0)
        faults.push(`the variable ${String(name)} is a single value and has no members`);
    }
    // Some templates reveal a fault only when they are rendered, with a value or without.
    if (faults.length === 0)
      for (const values of extremes(variables)) orMissing(() => template.render(values));
    return faults;
  } catch (error) {
    if (error instanceof TemplateError) return [`is not a valid template: ${error.message}`];
    throw error;
  }
}

/** The longest values in bytes: the widest character of UTF-8, up to the variable's maximum length. */
function widest(variables: Variables): Values {
  return Object.fromEntries(
    Object.entries(variables).map(([name, variable]) => [name, '\u{1d49c}'.repeat(longestOf(variable))]),
  );
}

/** The longest values, and as many missing values as there can be: each may lead into the longer branch. */
function extremes(variables: Variables): Values[] {
  return [widest(variables), valuesOf(variables, {})];
}

/** A text that cannot do without a value is no fault: a device without the value gets nothing. */
function orMissing<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof MissingValueError) return undefined;
    throw error;
  }
}

/** One fault for each locale whose payload is too large. */
function checkSizes(content: Content, platforms: readonly Platform[]): ContentFault[] {
  return [undefined, ...localesOf(content)].flatMap((locale) => {
    const where = locale === undefined ? '' : ` in ${locale}`;
    const details = platforms.flatMap((platform) => sizeFault(content, platform, locale) ?? []);
    return details.length === 0 ? [] : [{ pointer: '', detail: `${details.join('; ')}${where}` }];
  });
}

function sizeFault(content: Content, platform: Platform, locale: string | undefined): string | undefined {
  const { variables } = content;
  const message = messageOf(content, platform, locale);
  try {
    const fill = compileMessage(message);
    const sent =
      variables === undefined ? [message] : extremes(variables).map((one) => orMissing(() => fill(one)));
    const sizes = sent.map((each) => (each === undefined ? 0 : payloadBytes(each)));
    const [bytes, limit] = [Math.max(...sizes), sizeLimit(platform)];
    const values = variables === undefined ? '' : ' with the longest values';
    if (bytes <= limit) return undefined;
    return `has a payload of about ${bytes} bytes${values}; ${platform} accepts at most ${limit}`;
  } catch (error) {
    if (error instanceof TemplateError) return `cannot be filled in for ${platform}: ${error.message}`;
    throw error;
  }
}
