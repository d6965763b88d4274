import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PLATFORMS } from '../platform.ts';
import { Content } from './content.ts';
import { checkContent } from './content-check.ts';
import { compileMessage, fillMessage, neededAttributes } from './content-fill.ts';
import { messageOf } from './content-variant.ts';

const check = (more: object) =>
  checkContent(Content.parse({ title: 'Sale', body: 'Today', ...more }), PLATFORMS);
const pointers = (more: object) => check(more).map(({ pointer }) => pointer);

test('content without variables must not contain templates', () => {
  expect(check({})).toEqual([]);
  expect(pointers({ title: 'Hi {{ name }}' })).toEqual(['/title']);
});

test('unknown variables and invalid templates are reported with their places', () => {
  const more = {
    variables: { name: {} },
    title: 'Hi {{ name }}',
    body: '{{ nam }}',
    buttons: [{ id: 'go', title: '{% for %}' }],
    locales: { de: { title: 'Hallo {{ name.first }}' } },
    platforms: { web: { locales: { de: { deepLink: 'https://x.example/{{ id }}' } } } },
  };
  expect(pointers(more)).toEqual([
    ...['/body', '/buttons/0/title', '/locales/de/title', '/platforms/web/locales/de/deepLink'],
  ]);
});

test('a variable that no text uses is a fault, because it would skip devices for nothing', () => {
  expect(pointers({ variables: { name: {} } })).toEqual(['/variables/name']);
});

test('sizes are checked for each platform and locale, with the longest values', () => {
  expect(check({ locales: { zh: { body: '促'.repeat(1300) } } })[0]?.detail).toMatch(
    /ios.*android.*web.* in zh$/,
  );
  // Web push accepts less than the others.
  const detail = check({ body: 'a'.repeat(1900), deepLink: `https://x.example/${'ä'.repeat(900)}` })[0]
    ?.detail;
  expect(detail).toMatch(/; web accepts at most 3993$/);
  const variables = { name: { maxLength: 500 } };
  expect(pointers({ title: '{{ name }}{{ name }}{{ name }}', variables })).toEqual(['']);
  expect(pointers({ title: '{{ name }}{{ name }}{{ name }}', variables: { name: {} } })).toEqual([]);
});

describe('filling in', () => {
  const fill = (more: object, given: Record<string, string | number | null>) => {
    const content = Content.parse({ title: 'Sale', body: 'Today', variables: {}, ...more });
    const { variables = {} } = content;
    const message = messageOf(content, 'ios', undefined);
    return fillMessage(compileMessage(message), { variables, given, platform: 'ios' });
  };

  test('a missing or blank value is replaced by the default; without one there is no message', () => {
    const title = 'Hi {{ name }}';
    for (const name of [null, '', '  ']) {
      expect(fill({ title, variables: { name: { default: 'you' } } }, { name })).toMatchObject({
        message: { title: 'Hi you' },
      });
      expect(fill({ title, variables: { name: {} } }, { name })).toEqual({
        ok: false,
        reason: 'missing_variable',
      });
    }
    const content = Content.parse({
      title,
      body: 'b',
      variables: { name: { attribute: 'first name' }, x: { default: 1 } },
    });
    expect(neededAttributes(content)).toEqual(['first name']);
  });

  test('a value is cut at its maximum length, and cannot break out of the payload', () => {
    const longest = fill(
      { title: '{{ name }}', variables: { name: { maxLength: 3 } } },
      { name: '😀😀😀😀' },
    );
    expect(longest).toMatchObject({ message: { title: '😀😀😀' } });
    const hostile = fill({ title: '{{ name }}', variables: { name: {} } }, { name: '"}\u0000\ud800{{ x }}' });
    expect(hostile).toMatchObject({ message: { title: '"} �{{ x }}' } });
  });

  test('content that fits with the longest values fits with any values', () => {
    const values = fc.string({ unit: 'grapheme', maxLength: 400 });
    fc.assert(
      fc.property(values, fc.integer({ min: 1, max: 6 }), (name, times) => {
        const more = { title: '{{ name }}'.repeat(times), variables: { name: { default: '' } } };
        fc.pre(check(more).length === 0);
        expect(fill(more, { name })).toMatchObject({ ok: true });
      }),
    );
  });
});
