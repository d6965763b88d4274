import { expect, test } from 'vitest';
import { linkOf, readMessage } from './message.ts';

const read = (message: object) => readMessage(JSON.stringify(message));
const buttons = [
  { id: 'buy', title: 'Buy', deepLink: '/buy' },
  { id: 'later', title: 'Later' },
];

test('a message is read with everything that a browser can show', () => {
  const shown = {
    title: 't',
    body: 'b',
    tag: 'x',
    icon: '/i',
    badge: '/b',
    requireInteraction: true,
    silent: true,
  };
  const sb = { messageId: 'm', deepLink: '/d', imageUrl: '/p', buttons };
  expect(read({ ...shown, sb })).toEqual({ ...shown, ...sb });
});

test('buttons may be JSON, as on the other platforms', () => {
  expect(read({ title: 't', sb: { messageId: 'm', buttons: JSON.stringify(buttons) } })).toMatchObject({
    buttons,
  });
});

test.each([
  ['buttons', 'not json'],
  ['buttons', [null, 7, { id: 'a' }, { title: 'b' }, { id: 1, title: 'c' }]],
  ['deepLink', 7],
  ['imageUrl', null],
])('a field that cannot be shown is left out: %s', (name, value) => {
  expect(read({ title: 't', icon: {}, silent: 'yes', sb: { messageId: 'm', [name]: value } })).toEqual({
    title: 't',
    messageId: 'm',
  });
});

test.each([
  '',
  'no json',
  '7',
  'null',
  '{"title":"t"}',
  '{"sb":{"messageId":"m"}}',
  '{"title":"t","sb":7}',
])('a message of another sender is left to its own listener: %s', (text) => {
  expect(readMessage(text)).toBeUndefined();
});

test('a click opens the link of its button, or that of the message', () => {
  const kept = { messageId: 'm', deepLink: '/d', buttons };
  expect(['', 'buy', 'later', 'unknown'].map((action) => linkOf(kept, action))).toEqual([
    '/d',
    '/buy',
    '/d',
    '/d',
  ]);
});
