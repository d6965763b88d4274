import { expect, test } from 'vitest';
import { PLATFORMS } from '../platform.ts';
import { Content } from './content.ts';
import { checkContent } from './content-check.ts';

const parse = (more: object) => Content.safeParse({ title: 't', body: 'b', ...more });
const faultsOf = (more: object) =>
  parse(more).error?.issues.map(({ path, code, ...issue }) =>
    code === 'unrecognized_keys' && 'keys' in issue
      ? `/${[...path, ...issue.keys].join('/')}`
      : `/${path.join('/')}`,
  ) ?? [];

test('each platform takes what its service can say', () => {
  const content = {
    sound: null,
    data: { order_id: '1610521604143693812', 'utm.source': '' },
    platforms: {
      ios: {
        interruptionLevel: 'time-sensitive',
        relevanceScore: 0.5,
        threadId: 'orders',
        category: 'ORDER',
      },
      android: {
        channelId: 'orders',
        icon: 'ic_order',
        color: '#FF8800',
        directBootOk: true,
        ttlSeconds: 60,
      },
      web: {
        icon: 'https://x.example/i.png',
        badgeIcon: 'https://x.example/b.png',
        requireInteraction: true,
      },
    },
  };
  expect(faultsOf(content)).toEqual([]);
});

test.each([
  [{ platforms: { ios: { channelId: 'x' } } }, '/platforms/ios/channelId'],
  [{ platforms: { android: { threadId: 'x' } } }, '/platforms/android/threadId'],
  [{ platforms: { web: { category: 'x' } } }, '/platforms/web/category'],
  [{ channelId: 'x' }, '/channelId'],
  [{ platforms: { ios: { interruptionLevel: 'loud' } } }, '/platforms/ios/interruptionLevel'],
  [{ platforms: { ios: { relevanceScore: 1.1 } } }, '/platforms/ios/relevanceScore'],
  [{ platforms: { ios: { relevanceScore: '1' } } }, '/platforms/ios/relevanceScore'],
  [{ platforms: { ios: { threadId: '' } } }, '/platforms/ios/threadId'],
  [{ platforms: { android: { color: 'red' } } }, '/platforms/android/color'],
  [{ platforms: { android: { color: '#f80' } } }, '/platforms/android/color'],
  [{ platforms: { android: { directBootOk: 'true' } } }, '/platforms/android/directBootOk'],
  [{ platforms: { android: { ttlSeconds: 2_419_201 } } }, '/platforms/android/ttlSeconds'],
  [{ platforms: { web: { requireInteraction: 1 } } }, '/platforms/web/requireInteraction'],
  [{ badge: -1 }, '/badge'],
  [{ badge: 1.5 }, '/badge'],
  [{ sound: 'a\nb' }, '/sound'],
  [{ data: { count: 3 } }, '/data/count'],
  [{ data: { flag: true } }, '/data/flag'],
  [{ data: { nested: {} } }, '/data/nested'],
  [{ data: { none: null } }, '/data/none'],
  [{ data: { long: 'a'.repeat(2001) } }, '/data/long'],
  [{ data: { 'a b': '' } }, '/data/a b'],
  [{ data: Object.fromEntries(Array.from({ length: 51 }, (_, no) => [`k${no}`, ''])) }, '/data'],
  [{ buttons: [1, 2].map(() => ({ id: 'same', title: 'A' })) }, '/buttons'],
  [{ locales: { de: { data: { from: 'x' } } } }, '/locales/de/data/from'],
])('%j is refused', (more, place) => {
  expect(faultsOf(more)).toEqual([place]);
});

test.each([
  ...['from', 'message_type', 'notification', 'collapse_key', 'google.sent_time', 'gcm.notification.title'],
  ...['googleX', 'gcm', 'GCM.x', 'aps', 'sb', 'messageId', 'deepLink', 'buttons', 'imageUrl'],
])('the key %s of data is reserved', (key) => {
  expect(faultsOf({ data: { [key]: 'x' } })).toEqual([`/data/${key}`]);
  expect(parse({ data: { [key]: 'x' } }).error?.issues).toMatchObject([
    { code: 'invalid_key', issues: [{ message: 'is a reserved key: choose another name' }] },
  ]);
});

test('data counts towards the size, and may hold variables', () => {
  const check = (more: object) => checkContent(Content.parse({ title: 't', body: 'b', ...more }), PLATFORMS);
  expect(check({ data: { a: '促'.repeat(1400) } })[0]?.detail).toMatch(/ios.*android.*web/);
  expect(check({ data: { sku: '{{ sku }}' }, variables: { sku: {} } })).toEqual([]);
  expect(check({ data: { sku: '{{ sku }}' } })).toEqual([
    { pointer: '/data/sku', detail: 'contains a template, but the content declares no variables' },
  ]);
});
