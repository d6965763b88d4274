import type { AttributeValue } from '../devices/device.ts';
import { cutText, graphemes, utf8Bytes } from '../graphemes.ts';
import type { Platform } from '../platform.ts';
import type { Content, Message, MessagePart, Variable } from './content.ts';
import {
  isTemplate,
  MissingValueError,
  parseTemplate,
  TemplateError,
  type Values,
  wellFormed,
} from './content-template.ts';
import { payloadBytes, sizeLimit } from './payload-size.ts';

const DEFAULT_MAX_LENGTH = 100;

type Variables = NonNullable<Content['variables']>;
/** A device's values of the variables, by variable name. */
export type Given = Readonly<Record<string, AttributeValue | undefined>>;

export function attributeOf(name: string, { attribute = name }: Variable): string {
  return attribute;
}

/** Picks the variables' values out of a device's attributes. */
export function givenOf({ variables = {} }: Content, attributes: Readonly<Record<string, unknown>>): Given {
  return Object.fromEntries(
    Object.entries(variables).map(([name, variable]) => {
      const value = attributes[attributeOf(name, variable)];
      const isScalar = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
      return [name, isScalar ? value : null];
    }),
  );
}

export function longestOf({ maxLength = DEFAULT_MAX_LENGTH }: Variable): number {
  return maxLength;
}

/** A missing value, or one of spaces only. `db/caps/content-columns.ts` has the same rule in SQL. */
function isBlank(value: AttributeValue | undefined): value is null | undefined {
  return value === undefined || value === null || /^ *$/.test(String(value));
}

/** The value of each variable. Null when the device has none and there is no default. */
export function valuesOf(variables: Variables, given: Given, cut = cutToLength): Values {
  return Object.fromEntries(
    Object.entries(variables).map(([name, variable]) => {
      const own = given[name];
      const value = (isBlank(own) ? variable.default : own) ?? null;
      return [name, typeof value === 'string' ? cut(wellFormed(value), longestOf(variable)) : value];
    }),
  );
}

type Cut = (text: string, characters: number) => string;
/** A text never has more characters than code units. */
const cutToLength: Cut = (text, characters) =>
  text.length <= characters ? text : cutText(text, characters, graphemes);
/** The size that `checkContent` allows for. Some characters take more: an emoji of a family has 25 bytes. */
const cutToSize: Cut = (text, characters) =>
  cutText(cutToLength(text, characters), characters * MAX_CODE_POINT_BYTES, utf8Bytes);
const MAX_CODE_POINT_BYTES = 4;

/** The texts of a message that may contain variables, with their places in the content. */
export function textsOf(
  message: MessagePart,
): readonly (readonly [place: string, text: string, 'text' | 'url'])[] {
  const { title, body, deepLink, imageUrl, buttons = [], data = {} } = message;
  const texts: [string, string | undefined, 'text' | 'url'][] = [
    ['/title', title, 'text'],
    ['/body', body, 'text'],
    ['/deepLink', deepLink, 'url'],
    ['/imageUrl', imageUrl, 'url'],
  ];
  for (const [no, button] of buttons.entries()) {
    texts.push(
      [`/buttons/${no}/title`, button.title, 'text'],
      [`/buttons/${no}/deepLink`, button.deepLink, 'url'],
    );
  }
  for (const [key, value] of Object.entries(data)) texts.push([`/data/${key}`, value, 'text']);
  return texts.flatMap(([place, text, kind]) => (text === undefined ? [] : [[place, text, kind]]));
}

/** Compiles a message's templates. The result throws a TemplateError when a filter rejects a value. */
export function compileMessage(message: Message): (values: Values) => Message {
  const fillOf = (text: string, kind: 'text' | 'url') => {
    if (!isTemplate(text)) return () => text;
    return parseTemplate(text, kind).render;
  };
  const optional = (text: string | undefined) => (text === undefined ? undefined : fillOf(text, 'url'));
  const [title, body] = [fillOf(message.title, 'text'), fillOf(message.body, 'text')];
  const [deepLink, imageUrl] = [optional(message.deepLink), optional(message.imageUrl)];
  const buttons = message.buttons?.map((button) => {
    const [label, link] = [fillOf(button.title, 'text'), optional(button.deepLink)];
    return (values: Values) => ({ ...button, title: label(values), deepLink: link?.(values) });
  });
  const data = Object.entries(message.data ?? {}).map(
    ([key, value]) => [key, fillOf(value, 'text')] as const,
  );
  return (values) => ({
    ...message,
    title: title(values),
    body: body(values),
    deepLink: deepLink?.(values),
    imageUrl: imageUrl?.(values),
    buttons: buttons?.map((fill) => fill(values)),
    data: message.data && Object.fromEntries(data.map(([key, fill]) => [key, fill(values)])),
    unfilled: message,
  });
}

export type Filled =
  | { readonly ok: true; readonly message: Message }
  | {
      readonly ok: false;
      readonly reason: 'missing_variable' | 'template_failed' | 'payload_too_large';
      /** The variables that the device lacks, when one is missing. */
      readonly missing?: readonly string[];
    };

interface Filling {
  readonly variables: Variables;
  readonly given: Given;
  readonly platform: Platform;
}

/** The message of one device, or the reason why there is none. Values that make it too large are cut further. */
export function fillMessage(
  fill: (values: Values) => Message,
  { variables, given, platform }: Filling,
): Filled {
  const values = valuesOf(variables, given);
  try {
    for (const each of [() => values, () => valuesOf(variables, given, cutToSize)]) {
      const message = fill(each());
      if (payloadBytes(message) <= sizeLimit(platform)) return { ok: true, message };
    }
    return { ok: false, reason: 'payload_too_large' };
  } catch (error) {
    if (error instanceof MissingValueError) {
      return { ok: false, reason: 'missing_variable', missing: missingFrom(fill, values) };
    }
    if (error instanceof TemplateError) return { ok: false, reason: 'template_failed' };
    throw error;
  }
}

/** The missing values that the message shows, each found by filling in the others. */
function missingFrom(fill: (values: Values) => Message, values: Values): string[] {
  const blank = Object.keys(values).filter((name) => values[name] === null);
  const others = Object.entries(values).map(([name, value]) => [name, value ?? 'a'] as const);
  const shown = blank.filter((name) => isMissed(fill, Object.fromEntries(others), name));
  return shown.length > 0 ? shown : blank;
}

/** Whether the variable is shown, so that nothing can be made without its value. */
export function isMissed(fill: (values: Values) => unknown, values: Values, name: string): boolean {
  try {
    fill(Object.fromEntries([...Object.entries(values), [name, null]]));
    return false;
  } catch (error) {
    return error instanceof MissingValueError;
  }
}
