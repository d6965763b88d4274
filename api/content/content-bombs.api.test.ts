import { beforeAll, expect, test } from 'vitest';
import { newTask, openShop } from '../../test/fixtures/shop-fixture.ts';
import { useTestApi } from '../../test/fixtures/test-api.ts';
import { fixture } from '../../test/setup/fixture.ts';

const api = useTestApi();
const shop = fixture(beforeAll, () => openShop(api));

const create = (content: object) => shop.marketer.call('POST', '/v1/tasks', newTask(shop, { content }));
const variables = { name: { default: 'Ann' } };

async function timed<T>(work: () => Promise<T>): Promise<{ answer: T; ms: number }> {
  const startedAt = performance.now();
  const answer = await work();
  return { answer, ms: performance.now() - startedAt };
}

test('template bombs are refused at once, each with its pointer, and the next request is served', async () => {
  const bombs = {
    '/content/title': '{{ name }}{% for i in (1..1000000000) %}x{% endfor %}',
    '/content/body': '{% capture a %}{{ name }}{% endcapture %}',
    '/content/locales/de/title': '{{ name | replace: "", name }}',
    '/content/locales/de/body': '{{ "now" | date: "%999999999Y" }}',
    '/content/locales/fr/body': '{% include "secret" %}',
    '/content/platforms/ios/body': '{{ name.constructor }}',
  };
  const content = {
    title: bombs['/content/title'],
    body: bombs['/content/body'],
    variables,
    locales: {
      de: { title: bombs['/content/locales/de/title'], body: bombs['/content/locales/de/body'] },
      fr: { body: bombs['/content/locales/fr/body'] },
    },
    platforms: { ios: { body: bombs['/content/platforms/ios/body'] } },
  };
  const { answer, ms } = await timed(() => create(content));
  expect(answer.status).toBe(400);
  const pointers = (answer.body['errors'] as { pointer: string }[]).map(({ pointer }) => pointer);
  expect(pointers).toEqual(expect.arrayContaining(Object.keys(bombs)));
  expect(ms).toBeLessThan(2000);
  expect((await create({ title: 'Hi {{ name }}', body: 'b', variables })).status).toBe(201);
});

test('a template bomb that shows only when rendered is refused, too', async () => {
  const body = '{{ name }}{{ (1..1000000000) | size }}';
  const { answer, ms } = await timed(() => create({ title: 'Hi', body, variables }));
  expect(answer.status).toBe(400);
  expect(answer.body['errors']).toMatchObject([{ pointer: '/content/body' }]);
  expect(ms).toBeLessThan(2000);
});

test('the largest content within the limits is checked within seconds', async () => {
  const growing = `{{ name ${'| append: name '.repeat(120)}}}`;
  const letters = [...'abcdefghijklmnopqrstuvwxyz'];
  const tags = letters.flatMap((a) => ['a', 'b'].map((b) => `${a}${b}`)).slice(0, 50);
  const locales = Object.fromEntries(tags.map((tag) => [tag, { body: growing }]));
  const platforms = { ios: { locales }, android: { locales }, web: { locales } };
  const content = { title: 'Hi', body: growing, variables, locales, platforms };
  const { answer, ms } = await timed(() => create(content));
  expect([201, 400]).toContain(answer.status);
  expect(ms).toBeLessThan(10_000);
});
