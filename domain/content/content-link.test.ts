import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Content } from './content.ts';
import { encodedLink, linkFault } from './content-link.ts';

const parse = (more: object) => Content.safeParse({ title: 't', body: 'b', ...more });
const faultsOf = (more: object) => parse(more).error?.issues.map(({ path }) => `/${path.join('/')}`) ?? [];

test.each([
  ['https://shop.example/a b', 'https://shop.example/a%20b'],
  ['https://shop.example/x /webview?q=rød kjole', 'https://shop.example/x%20/webview?q=r%C3%B8d%20kjole'],
  [' https://shop.example ', 'https://shop.example'],
  ['https://smørrebrød.example/ø', 'https://xn--smrrebrd-64af.example/%C3%B8'],
  ['HTTPS://shop.example/100%?a=5%25&b[]=1#x#y', 'https://shop.example/100%25?a=5%25&b%5B%5D=1#x%23y'],
  ['https://shop.example/"<>\\^`{|}', 'https://shop.example/%22%3C%3E%5C%5E%60%7B%7C%7D'],
  ['https://[::1]:8080/ü', 'https://[::1]:8080/%C3%BC'],
  ['shop://offers/春节 deal', 'shop://offers/%E6%98%A5%E8%8A%82%20deal'],
  ['shop:offers?name=a b', 'shop:offers?name=a%20b'],
  ['mailto:help@shop.example?subject=My order', 'mailto:help@shop.example?subject=My%20order'],
  ['tel:+4912345', 'tel:+4912345'],
  ['com.shop.app://x/👍🏽', 'com.shop.app://x/%F0%9F%91%8D%F0%9F%8F%BD'],
  ['shop://o/{{ name | default: "a b" }} ü', 'shop://o/{{ name | default: "a b" }}%20%C3%BC'],
  ['https://{{ shop }}.example/ü', 'https://{{ shop }}.example/%C3%BC'],
  ['https://shop.example/{% if a %}x y{% endif %}', 'https://shop.example/{% if a %}x%20y{% endif %}'],
])('%s is stored as %s', (typed, stored) => {
  expect(parse({ deepLink: typed }).data?.deepLink).toBe(stored);
  expect(encodedLink(stored)).toBe(stored);
});

const DANGEROUS = [
  ...['javascript:alert(1)', 'JavaScript:alert(1)', ' javascript:alert(1)', 'java\nscript:alert(1)'],
  ...['data:text/html,<script>1</script>', 'file:///etc/passwd', 'vbscript:x', 'blob:https://x.example/1'],
  ...['view-source:https://x.example', 'intent://x#Intent;end', 'content://media/1', 'about:blank'],
  ...['ms-msdt:/id', 'search-ms:query', 'jar:https://x.example!/', 'filesystem:https://x.example/a'],
  ...[
    'shop.example/a',
    '//shop.example',
    'https://',
    'https:/shop.example',
    'https://shop .example',
    'shop:',
  ],
  ...['{{ link }}', '{{ scheme }}://x', 'java{{ name }}script:alert(1)', '', ' ', 'https:\\\\shop.example'],
];

test.each(DANGEROUS)('the link %j is refused with its place', (link) => {
  expect(faultsOf({ deepLink: link })).toEqual(['/deepLink']);
  expect(faultsOf({ buttons: [{ id: 'a', title: 'A', deepLink: link }] })).toEqual(['/buttons/0/deepLink']);
  expect(faultsOf({ imageUrl: link })).toEqual(['/imageUrl']);
  expect(faultsOf({ platforms: { web: { icon: link } } })).toEqual(['/platforms/web/icon']);
});

test('an image is on https, and a link of a browser on the web', () => {
  expect(faultsOf({ imageUrl: 'http://x.example/a.png' })).toEqual(['/imageUrl']);
  expect(parse({ imageUrl: 'http://x.example/a.png' }).error?.issues[0]?.message).toBe(
    'must begin with https://',
  );
  expect(faultsOf({ imageUrl: 'https://x.example/a b.png' })).toEqual([]);
  expect(faultsOf({ platforms: { web: { deepLink: 'shop://sale' } } })).toEqual(['/platforms/web/deepLink']);
  expect(faultsOf({ platforms: { web: { deepLink: 'http://x.example' } } })).toEqual([]);
});

test('a link that is stored can be opened by iOS, and is stored again as it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 30 }), (path) => {
      fc.pre(!/[{%]/.test(path));
      const link = parse({ deepLink: `https://shop.example/${path}` }).data?.deepLink ?? '';
      expect(link).toMatch(/^https:\/\/shop\.example\/(?:[\w.~:/?#@!$&'()*+,;=-]|%[\dA-F]{2})*$/);
      expect(encodedLink(link)).toBe(link);
    }),
  );
});

test.each([
  [
    'https://x.example/?c={{ color | default: "#fff" }}#top',
    'https://x.example/?c={{ color | default: "#fff" }}#top',
  ],
  ['https://x.example/ü#a{{ b | append: "#" }}', 'https://x.example/%C3%BC#a{{ b | append: "#" }}'],
  ['shop://{{ p | default: "home/start" }}?x=ü', 'shop://{{ p | default: "home/start" }}?x=%C3%BC'],
  [
    'https://{{ host | default: "shop.example/x" }}/a b',
    'https://{{ host | default: "shop.example/x" }}/a%20b',
  ],
  [
    'https://{% if a == "x/y" %}m.{% endif %}x.example/ü',
    'https://{% if a == "x/y" %}m.{% endif %}x.example/%C3%BC',
  ],
])('a template within a link stays as it is: %s', (link, encoded) => {
  expect(encodedLink(link)).toBe(encoded);
  expect(encodedLink(encoded)).toBe(encoded);
  expect(linkFault(encoded)).toBeUndefined();
});
