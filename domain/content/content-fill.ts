import type { AttributeValue } from '../devices/device.ts';
import type { Platform } from '../platform.ts';
import type { Content, Message, MessagePart, Variable } from './content.ts';
import { isTemplate, parseTemplate, TemplateError, type Values, wellFormed } from './content-template.ts';
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

/** The attributes that a device must have to get the content. */
export function neededAttributes({ variables = {} }: Content): string[] {
  return Object.entries(variables)
    .filter(([, variable]) => variable.default === undefined)
    .map(([name, variable]) => attributeOf(name, variable));
}

export function longestOf({ maxLength = DEFAULT_MAX_LENGTH }: Variable): number {
  return maxLength;
}

/** A missing value, or one of spaces only. `db/caps/content-columns.ts` has the same rule in SQL. */
function isBlank(value: AttributeValue | undefined): value is null | undefined {
  return value === undefined || value === null || /^ *$/.test(String(value));
}

/** The value of each variable. Undefined when one is missing. */
export function valuesOf(variables: Variables, given: Given): Values | undefined {
  const values: Record<string, string | number | boolean> = {};
  for (const [name, variable] of Object.entries(variables)) {
    const own = given[name];
    const value = isBlank(own) ? variable.default : own;
    if (value === undefined) return undefined;
    values[name] = typeof value === 'string' ? cut(wellFormed(value), longestOf(variable)) : value;
  }
  return values;
}

function cut(text: string, characters: number): string {
  return text.length <= characters ? text : [...text].slice(0, characters).join('');
}

/** The texts of a message that may contain variables, with their places in the content. */
export function textsOf(
  message: MessagePart,
): readonly (readonly [place: string, text: string, 'text' | 'url'])[] {
  const { title, body, deepLink, imageUrl, buttons = [] } = message;
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
  return (values) => ({
    ...message,
    title: title(values),
    body: body(values),
    deepLink: deepLink?.(values),
    imageUrl: imageUrl?.(values),
    buttons: buttons?.map((fill) => fill(values)),
    unfilled: message,
  });
}

export type Filled =
  | { readonly ok: true; readonly message: Message }
  | { readonly ok: false; readonly reason: 'missing_variable' | 'template_failed' | 'payload_too_large' };

/** The message of one device, or the reason why there is none. */
export function fillMessage(
  fill: (values: Values) => Message,
  { variables, given, platform }: { variables: Variables; given: Given; platform: Platform },
): Filled {
  const values = valuesOf(variables, given);
  if (values === undefined) return { ok: false, reason: 'missing_variable' };
  try {
    const message = fill(values);
    const fits = payloadBytes(message) <= sizeLimit(platform);
    return fits ? { ok: true, message } : { ok: false, reason: 'payload_too_large' };
  } catch (error) {
    if (error instanceof TemplateError) return { ok: false, reason: 'template_failed' };
    throw error;
  }
}
