import fc from 'fast-check';
import { Liquid } from 'liquidjs';
import { describe, expect, test } from 'vitest';
import { parseTemplate, TemplateError } from './content-template.ts';

const render = (text: string, values = {}) => parseTemplate(text, 'text').render(values);

test.each([
  ['{% for i in (1..1000000000) %}x{% endfor %}'],
  ['{{ (1..1000000000) | size }}'],
  ['{% if (1..1000000000) contains 5 %}a{% endif %}'],
  ['{% assign a = name | append: name %}{{ a }}'],
  ['{% capture a %}{{ name }}{% endcapture %}'],
  ['{% include "secret" %}'],
  ['{% render "secret" %}'],
  ['{% layout "secret" %}'],
  ['{{ name | replace: "a", name }}'],
  ['{{ "now" | date: "%999999999Y" }}'],
  ['{{ name.constructor }}'],
  ['{{ name.__proto__.x }}'],
  ['{{ name'],
  ['{% if name %}'],
  ['{{ nobody }}'],
  ['{{ name | nothing }}'],
  [`{{ name ${'| append: name'.repeat(140)} }}`],
  ['x'.repeat(2001)],
])('%s is refused, quickly', (text) => {
  const startedAt = performance.now();
  expect(() => render(text, { name: 'a'.repeat(500) })).toThrow(TemplateError);
  expect(performance.now() - startedAt).toBeLessThan(2000);
});

test.each([
  ['Hi {{ name }}', 'Hi Ann'],
  ['{{ name | upcase }}{{ points | plus: 1 }}', 'ANN6'],
  ['{% if points > 3 %}many{% else %}few{% endif %}', 'many'],
  ['{% case name %}{% when "Ann" %}A{% else %}B{% endcase %}', 'A'],
  ['{{ name | slice: 0 }}', 'A'],
  ['{% if empty_one == blank %}none{% endif %}', 'none'],
])('%s is %s', (text, expected) => {
  expect(render(text, { name: 'Ann', points: 5, empty_one: '' })).toBe(expected);
});

test('in a URL a value is percent-encoded', () => {
  const { render: url } = parseTemplate('https://shop.example/{{ name | strip }}?q={{ name }}', 'url');
  expect(url({ name: 'a/b?c&d é' })).toBe(
    'https://shop.example/a%2Fb%3Fc%26d%20%C3%A9?q=a%2Fb%3Fc%26d%20%C3%A9',
  );
});

describe('properties', () => {
  test('plain templates are rendered as by liquidjs', () => {
    const liquid = new Liquid();
    const piece = fc.oneof(
      fc.constantFrom('{{ a }}', '{{b}}', '{{  a }}', '{{ c}}'),
      fc.string().filter((text) => !/[{}]/.test(text)),
    );
    const value = fc.oneof(fc.string(), fc.integer(), fc.boolean());
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), value, value, value, (pieces, a, b, c) => {
        const text = pieces.join('');
        expect(render(text, { a, b, c })).toBe(String(liquid.parseAndRenderSync(text, { a, b, c })));
      }),
    );
  });

  test('any text is rendered within the limits or refused as a template', () => {
    const token = fc.constantFrom(
      ...[
        '{{',
        '}}',
        '{%',
        '%}',
        ' a ',
        'b',
        '| append: a',
        '| times: 9',
        'if',
        'endif',
        '(1..9)',
        '"',
        '| truncate: 9',
      ],
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(token, fc.string()), { maxLength: 20 }), fc.string(), (parts, a) => {
        try {
          const made = render(parts.join(' '), { a, b: 7 });
          expect(made.length).toBeLessThan(110_000);
          expect(made.isWellFormed() || !a.isWellFormed()).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(TemplateError);
        }
      }),
      { numRuns: 500 },
    );
  });
});
