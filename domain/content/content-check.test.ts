import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PLATFORMS } from '../platform.ts';
import { Content } from './content.ts';
import { checkContent } from './content-check.ts';
import { compileMessage, fillMessage } from './content-fill.ts';
import { needsOf } from './content-needs.ts';
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
        missing: ['name'],
      });
    }
    const content = Content.parse({
      title,
      body: 'b',
      variables: { name: { attribute: 'first name' }, x: { default: 1 } },
    });
    expect(needsOf(content)).toEqual([{ variable: 'name', attribute: 'first name', variants: undefined }]);
  });

  const GUARDED = [
    'Hi {{ name | default: "friend" }}',
    'Hi {{ name | upcase | default: "friend" }}',
    'Hi {{ name | append: "!" | default: "friend" }}',
    '{% if name %}Hi {{ name }}{% else %}Hi friend{% endif %}',
    '{% if name == blank %}Hi friend{% else %}Hi {{ name }}{% endif %}',
    '{% if name != nil %}{{ name }}{% else %}Hi friend{% endif %}',
    '{% unless name %}Hi friend{% else %}{{ name }}{% endunless %}',
    '{% case name %}{% when "Ann" %}Ann{% else %}Hi friend{% endcase %}',
    '{% if name and tier == "gold" %}{{ name }}{% else %}Hi friend{% endif %}',
    '{% if name contains "A" or name > 3 or name < 3 %}{{ name }}{% else %}Hi friend{% endif %}',
  ];
  test.each(GUARDED)('%s does without the value', (title) => {
    const variables = { name: {}, tier: { default: 'gold' } };
    const more = { title, body: '{{ tier }}', variables };
    expect(check(more)).toEqual([]);
    for (const name of [null, '', ' ']) {
      expect(fill(more, { name })).toMatchObject({ ok: true });
    }
    expect(fill(more, { name: null })).toMatchObject({
      message: { title: expect.stringMatching(/friend/i) },
    });
    expect(needsOf(Content.parse(more))).toEqual([]);
  });

  const needed = (title: string, shown?: 'sometimes') => {
    const variables = { name: {}, tier: { default: '' }, points: { default: 0 } };
    const content = Content.parse({ title, body: '{{ tier }}{{ points }}', variables });
    return needsOf(content, shown).map(({ variable }) => variable);
  };

  test.each([
    '{{ name }}{% if name %}{% endif %}',
    '{{ name | upcase }}',
    '{{ "Dear" | append: name }}',
    '{% if tier == "gold" %}Dear {{ name }}{% else %}Hi {{ name }}{% endif %}',
  ])('%s always needs the value', (title) => {
    expect([needed(title), needed(title, 'sometimes')]).toEqual([['name'], ['name']]);
  });

  test.each([
    '{% if name == "" %}friend{% else %}{{ name }}{% endif %}',
    '{% if name != "" %}Hi {{ name }}{% else %}Hi{% endif %}',
    '{% unless name == empty %}Hi {{ name }}{% endunless %}',
    '{% if name != blank %}Hi {{ name }}{% endif %}',
  ])('%s needs the value of no device', (title) => {
    expect([needed(title), needed(title, 'sometimes')]).toEqual([[], []]);
  });

  test.each([
    '{% if tier == "gold" %}{{ name }}{% endif %}',
    '{% if points > 99 and tier == "gold" %}{{ name }}{% endif %}',
    '{{ tier | default: name }}',
  ])('%s needs the value of some devices, and leaves out no other', (title) => {
    expect([needed(title), needed(title, 'sometimes')]).toEqual([[], ['name']]);
  });

  test('a variable that the texts of some variants show is needed by those alone', () => {
    const content = Content.parse({
      title: 'Hi {{ name }}',
      body: 'b',
      variables: { name: {} },
      locales: { de: { title: 'Hallo {{ name | default: "du" }}' } },
      platforms: { web: { title: 'Hi' } },
    });
    // The numbers are those of iOS and Android without a locale.
    expect(needsOf(content)).toEqual([{ variable: 'name', attribute: 'name', variants: [0, 1] }]);
  });

  test('each of several missing values is named, and no other', () => {
    const title = '{{ a }}{{ b | default: "x" }}{% if c %}{{ c }}{% endif %}{{ d }}';
    const variables = { a: {}, b: {}, c: {}, d: {} };
    expect(fill({ title, variables }, {})).toEqual({
      ok: false,
      reason: 'missing_variable',
      missing: ['a', 'd'],
    });
  });

  test('the branch of a missing value counts towards the size', () => {
    const long = `{% if name %}Hi{% else %}${'促'.repeat(600)}{% endif %}`;
    expect(pointers({ title: 'Hi', body: `${long}${long}${long}`, variables: { name: {} } })).toEqual(['']);
  });

  test('a value is cut between the characters that people see', () => {
    const variables = { name: { maxLength: 3 } };
    const family = '👨‍👩‍👧‍👦';
    for (const one of [family, '🇩🇪', 'é', '한', '👍🏽']) {
      expect(fill({ title: '{{ name }}', variables }, { name: one.repeat(5) })).toMatchObject({
        message: { title: one.repeat(3) },
      });
    }
    const cutting = '{{ name | truncate: 3, "…" }}{{ name | slice: 0, 2 }}{{ name | size }}';
    expect(fill({ title: cutting, variables: { name: {} } }, { name: family.repeat(5) })).toMatchObject({
      message: { title: `${family}${family}…${family}${family}5` },
    });
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
