import { createECDH, randomBytes } from 'node:crypto';
import type { Browser, BrowserContext, CDPSession, Page, Worker } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { encodeMessageId } from '../domain/receipts/message-id.ts';
import { launchBrowser } from '../test/browser.ts';
import type { SeededPush } from '../test/fixtures/ledger-fixture.ts';
import { createTestApp, startTestApi, type TestApi, type TestApp } from '../test/fixtures/test-api.ts';
import { pushTo } from './testing/push.ts';
import { type Site, serveSite } from './testing/site.ts';

let api: TestApi;
let app: TestApp;
let push: SeededPush;
let site: Site;
let browser: Browser;
let context: BrowserContext;
let page: Page;

beforeAll(async () => {
  api = await startTestApi();
  app = await createTestApp(api);
  const endpoint = await api.app.listen({ port: 0, host: '127.0.0.1' });
  site = await serveSite({ endpoint, sdkKey: app.keys.sdk });
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser.close();
  site.close();
  await api.stop();
});
beforeEach(async () => {
  push = await pushTo(api, app.appId, 'web');
  context = await browser.newContext({ locale: 'de-DE', timezoneId: 'Asia/Tokyo' });
  page = await openPage();
});
afterEach(() => context.close());

async function openPage(path = '/'): Promise<Page> {
  const opened = await context.newPage();
  await opened.goto(site.origin + path);
  await opened.waitForFunction('document.title === "Ready"');
  return opened;
}

const messageId = (n: number) => encodeMessageId(api.deps.messageMac, { pushNo: push.no, deliveryNo: n });
const figures = async () => {
  const answer = await app.call('marketer', 'GET', `/v1/pushes/${push.id}/statistics`);
  expect(answer.statusCode, answer.body).toBe(200);
  return answer.json().statistics;
};
const call = (name: string, ...args: unknown[]) =>
  page.evaluate(`signalbox.${name}(${args.map((arg) => JSON.stringify(arg)).join()})`);
const message = (n: number, more: object = {}) => ({
  title: 'Sale',
  body: `Number ${n}`,
  sb: { messageId: messageId(n), ...more },
});

function subscription() {
  const keys = createECDH('prime256v1');
  return {
    endpoint: `https://fcm.googleapis.com/fcm/send/${randomBytes(12).toString('hex')}`,
    keys: { p256dh: keys.generateKeys('base64url'), auth: randomBytes(16).toString('base64url') },
  };
}

describe('a page', () => {
  test('registers the browser with its time zone and language', async () => {
    const address = { kind: 'web_push', subscription: subscription() };
    const registration = (await call('register', { address, tags: ['vip'] })) as { deviceId: string };
    expect(registration).toMatchObject({ isRegistered: true });
    const device = (await app.call('marketer', 'GET', `/v1/devices/${registration.deviceId}`)).json();
    expect(device).toMatchObject({
      platform: 'web',
      addressKind: 'web_push',
      tags: ['vip'],
      locale: 'de-DE',
      timeZone: 'Asia/Tokyo',
    });
    await page.reload();
    expect(await call('refresh', { tags: [] })).toEqual(registration);
  });

  test('does not subscribe where notifications are off', async () => {
    await page.evaluate(`navigator.serviceWorker.register('/worker.js').then(() => undefined)`);
    const subscribing = 'navigator.serviceWorker.ready.then((worker) => subscribe(worker, "BEl6"))';
    expect(await page.evaluate(subscribing)).toBeUndefined();
  });

  test('reports events of a time without a network once, when the network is back', async () => {
    await context.setOffline(true);
    await call('opened', messageId(1));
    await call('impression', messageId(2));
    await call('flush');
    expect((await figures()).opens ?? 0).toBe(0);
    await context.setOffline(false);
    await expect.poll(figures).toMatchObject({ deliveries: 2, impressions: 1, opens: 1, taps: 1 });
    expect(await page.evaluate('problems')).toEqual([]);
  });

  test('that was closed without a network leaves its reports to the next page', async () => {
    await context.setOffline(true);
    await call('opened', messageId(1));
    await page.close();
    await context.setOffline(false);
    page = await openPage();
    await expect.poll(figures).toMatchObject({ opens: 1, taps: 1 });
  });

  test('sends its items when it is left', async () => {
    await call('opened', messageId(1));
    await page.goto(`${site.origin}/elsewhere`);
    await expect.poll(figures).toMatchObject({ opens: 1, taps: 1 });
  });

  test('shares its queue with other tabs: nothing is sent twice', async () => {
    const results: string[] = [];
    context.on('response', (response) => {
      if (!response.url().endsWith('/v1/events') || response.request().method() !== 'POST') return;
      void response.json().then((body: { results: { result: string }[] }) => {
        results.push(...body.results.map(({ result }) => result));
      });
    });
    await call('register');
    const other = await openPage();
    await context.setOffline(true);
    const track20 = `Promise.all(Array.from({ length: 20 }, () => signalbox.track('view')))`;
    await Promise.all([page, other].map((tab) => tab.evaluate(`${track20}.then(() => undefined)`)));
    await context.setOffline(false);
    await expect.poll(() => results.length).toBe(40);
    expect(new Set(results)).toEqual(new Set(['counted']));
  });

  test('reports a tap once that other tabs report, too', async () => {
    const other = await openPage();
    const open3 = `Promise.all([1, 2, 3].map(() => signalbox.opened('${messageId(1)}')))`;
    await Promise.all([page, other].map((tab) => tab.evaluate(`${open3}.then(() => undefined)`)));
    await page.reload();
    await call('opened', messageId(1));
    await call('opened', messageId(2));
    await call('flush');
    await expect.poll(figures).toMatchObject({ opens: 2, taps: 2 });
    expect(await call('waiting')).toBe(0);
  });

  test('drops an event that JSON cannot hold, names it, and sends the others', async () => {
    await call('register');
    await page.evaluate(`(async () => {
      const circle = {};
      circle.self = circle;
      await signalbox.track('ok1');
      await signalbox.track('bad', { n: 1n });
      await signalbox.track('bad', { circle });
      await signalbox.track('bad', { f() {} });
      await signalbox.track('bad', { m: new Map(), get g() { throw new Error('boom'); } });
      await signalbox.track('ok2', { at: new Date(0), n: NaN });
      await signalbox.flush();
    })()`);
    const names = async () => (await app.call('marketer', 'GET', '/v1/events/names')).json().items;
    await expect.poll(names).toEqual(expect.arrayContaining(['ok1', 'ok2']));
    expect(await names()).not.toContain('bad');
    expect(await page.evaluate('problems.map(({ kind, item }) => [kind, item.body.name])')).toEqual(
      Array.from({ length: 4 }, () => ['refused', 'bad']),
    );
    expect(await call('waiting')).toBe(0);
  });

  test('sends what waits behind an item that an earlier version stored', async () => {
    await call('register');
    await page.evaluate(`new Promise((done, fail) => {
      const opening = indexedDB.open('signalbox/default', 1);
      opening.onsuccess = () => {
        const states = opening.result.transaction('states', 'readwrite').objectStore('states');
        const reading = states.get('state');
        reading.onsuccess = () => {
          const body = (name, properties) => ({ id: name, name, at: new Date().toISOString(), properties });
          const event = (name, properties) => ({ kind: 'event', id: name, body: body(name, properties) });
          reading.result.outbox.push(event('poison', { n: 1n }), event('behind', {}));
          states.put(reading.result, 'state').onsuccess = () => done();
        };
      };
      opening.onerror = fail;
    })`);
    await call('flush');
    const names = async () => (await app.call('marketer', 'GET', '/v1/events/names')).json().items;
    await expect.poll(names).toContain('behind');
    expect(await page.evaluate('problems.map(({ item }) => item.body.name)')).toEqual(['poison']);
    expect(await call('waiting')).toBe(0);
  });

  test('registers where the browser tells an odd time zone', async () => {
    await context.addInitScript(() => {
      const { resolvedOptions } = Intl.DateTimeFormat.prototype;
      Intl.DateTimeFormat.prototype.resolvedOptions = function () {
        return { ...resolvedOptions.call(this), timeZone: 'Etc/Unknown' };
      };
    });
    page = await openPage();
    const { deviceId, isRegistered } = (await call('register')) as {
      deviceId: string;
      isRegistered: boolean;
    };
    expect(isRegistered).toBe(true);
    const device = (await app.call('marketer', 'GET', `/v1/devices/${deviceId}`)).json();
    expect(device).toMatchObject({ locale: 'de-DE', timeZone: null });
    expect(await page.evaluate('problems.map(({ kind, fault }) => [kind, fault.pointers])')).toEqual([
      ['device', ['/timeZone']],
    ]);
  });

  test('without modules loads the SDK as a classic script', async () => {
    page = await openPage('/classic');
    expect(await call('register')).toMatchObject({ isRegistered: true });
    await call('opened', messageId(1));
    await call('flush');
    await expect.poll(figures).toMatchObject({ opens: 1, taps: 1 });
    expect(await page.evaluate('Object.keys(Signalbox).sort()')).toEqual([
      'SignalboxError',
      'createSignalbox',
      'subscribe',
    ]);
    expect(await page.evaluate('[problems, typeof signalbox.online]')).toEqual([[], 'undefined']);
  });

  test('loads the minified module', async () => {
    const names = await page.evaluate(
      `import('/sdk/signalbox.module.min.js').then((sdk) => Object.keys(sdk).sort())`,
    );
    expect(names).toEqual(['SignalboxError', 'createSignalbox', 'subscribe']);
  });
});

describe('a service worker', () => {
  let worker: Worker;
  let devtools: CDPSession;
  let registrationId: string;

  async function start(query: string): Promise<void> {
    devtools = await context.newCDPSession(page);
    const activated = new Promise<string>((resolve) => {
      devtools.on('ServiceWorker.workerVersionUpdated', ({ versions }) => {
        const active = versions.find(({ status }) => status === 'activated');
        if (active !== undefined) resolve(active.registrationId);
      });
    });
    await devtools.send('ServiceWorker.enable');
    const starting = context.waitForEvent('serviceworker');
    await page.evaluate(`navigator.serviceWorker.register('/worker.js${query}').then(() => undefined)`);
    worker = await starting;
    registrationId = await activated;
  }
  const deliver = (data: object) =>
    devtools.send('ServiceWorker.deliverPushMessage', {
      origin: `${site.origin}/`,
      registrationId,
      data: JSON.stringify(data),
    });
  const tray = () =>
    worker.evaluate(
      'registration.getNotifications().then((all) => all.map(({ title, body }) => ({ title, body })))',
    );
  const happen = (type: string, which = 'all') =>
    worker.evaluate(
      `registration.getNotifications().then((all) => happen('${type}', ${which}.map((notification) => ({ notification }))))`,
    );

  async function startWithTray(): Promise<void> {
    await context.grantPermissions(['notifications'], { origin: site.origin });
    const isGranted = (await page.evaluate('Notification.permission')) === 'granted';
    await start(isGranted ? '' : '?tray');
  }

  test('shows a push, and reports that it arrived and was seen', async () => {
    await startWithTray();
    await deliver(message(1));
    await expect.poll(tray).toEqual([{ title: 'Sale', body: 'Number 1' }]);
    await expect.poll(figures).toMatchObject({ deliveries: 1, impressions: 1, opens: 0 });
  });

  test('reports a push as blocked where notifications are off', async () => {
    await start('');
    await deliver(message(1));
    await expect.poll(figures).toMatchObject({ deliveries: 1, impressions: 0 });
    expect(await tray()).toEqual([]);
  });

  test('reports a click and opens its page', async () => {
    await startWithTray();
    await deliver(message(1, { deepLink: '/sale?from=push' }));
    await expect.poll(tray).toHaveLength(1);
    await happen('notificationclick');
    await expect.poll(figures).toMatchObject({ deliveries: 1, impressions: 1, opens: 1, taps: 1 });
    expect(await worker.evaluate('opened')).toEqual([`${site.origin}/sale?from=push`]);
    expect(await tray()).toEqual([]);
  });

  test('shows the buttons and images of a push, and opens the link of the button', async () => {
    await startWithTray();
    const buttons = [
      { id: 'buy', title: 'Buy', deepLink: '/buy' },
      { id: 'later', title: 'Later' },
    ];
    const sb = { messageId: messageId(1), deepLink: '/sale', imageUrl: '/sale.png', buttons };
    await deliver({ title: 'Sale', body: 'Now', icon: '/icon.png', requireInteraction: true, sb });
    await expect.poll(tray).toHaveLength(1);
    const shown = '({ actions, requireInteraction, icon }) => ({ actions, requireInteraction, icon })';
    expect(
      await worker.evaluate(`registration.getNotifications().then((all) => all.map(${shown}))`),
    ).toMatchObject([
      {
        actions: [
          { action: 'buy', title: 'Buy' },
          { action: 'later', title: 'Later' },
        ],
        requireInteraction: true,
        icon: expect.stringMatching(/\/icon\.png$/),
      },
    ]);
    await worker.evaluate(
      `registration.getNotifications().then(([notification]) => happen('notificationclick', [{ notification, action: 'buy' }]))`,
    );
    expect(await worker.evaluate('opened')).toEqual([`${site.origin}/buy`]);
    await expect.poll(figures).toMatchObject({ opens: 1, taps: 1 });
  });

  test('and the page that it opens report one tap', async () => {
    await startWithTray();
    await deliver(message(1));
    await expect.poll(tray).toHaveLength(1);
    await happen('notificationclick');
    await call('opened', messageId(1));
    await call('flush');
    await expect.poll(figures).toMatchObject({ opens: 1, taps: 1 });
    expect(await call('waiting')).toBe(0);
  });

  test.each([
    'javascript:alert(1)',
    'https://elsewhere.example/',
    'data:text/html,x',
  ])('opens the site instead of %s', async (deepLink) => {
    await startWithTray();
    await deliver(message(1, { deepLink }));
    await expect.poll(tray).toHaveLength(1);
    await happen('notificationclick');
    expect(await worker.evaluate('opened')).toEqual([`${site.origin}/`]);
    expect(await figures()).toMatchObject({ opens: 1 });
  });

  test('counts notifications closed one by one, and not those cleared together', async () => {
    await startWithTray();
    for (const n of [1, 2, 3]) await deliver(message(n));
    await expect.poll(tray).toHaveLength(3);
    await happen('notificationclose', 'all.slice(0, 2)');
    await happen('notificationclose', 'all.slice(2)');
    await expect.poll(figures).toMatchObject({ impressions: 3, dismissals: 1 });
  });

  test('reports a new subscription', async () => {
    await startWithTray();
    const address = { kind: 'web_push', subscription: subscription() };
    const { deviceId } = (await call('register', { address })) as { deviceId: string };
    const renewed = subscription();
    await worker.evaluate(
      `happen('pushsubscriptionchange', [{ newSubscription: { toJSON: () => (${JSON.stringify(renewed)}) } }])`,
    );
    const { rows } = await api.deps.pool.query('select token from devices where device_id = $1', [deviceId]);
    expect(JSON.parse(rows[0].token)).toEqual(renewed);
  });

  test('sends the items that a page left when the browser is online again', async () => {
    await startWithTray();
    await page.evaluate('signalbox.close()');
    await call('opened', messageId(1));
    await devtools.send('ServiceWorker.dispatchSyncEvent', {
      origin: `${site.origin}/`,
      registrationId,
      tag: 'signalbox',
      lastChance: false,
    });
    await expect.poll(figures).toMatchObject({ opens: 1, taps: 1 });
  });

  test('ignores pushes of other senders', async () => {
    await startWithTray();
    await deliver({ title: 'Not ours' });
    await deliver(message(1));
    await expect.poll(figures).toMatchObject({ deliveries: 1 });
    expect(await tray()).toEqual([{ title: 'Sale', body: 'Number 1' }]);
  });
});
