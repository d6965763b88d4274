import { SignJWT } from 'jose';
import { beforeAll, expect, test } from 'vitest';
import { seedPush, seedTask } from '../test/fixtures/ledger-fixture.ts';
import { type Caller, openShop } from '../test/fixtures/shop-fixture.ts';
import { ADMIN_KEY, useTestApi } from '../test/fixtures/test-api.ts';
import { fixture } from '../test/setup/fixture.ts';

const api = useTestApi({
  config: { adminKey: ADMIN_KEY, requestsPerMinute: 100_000, webhookRanges: ['127.0.0.1'] },
});

interface Operation {
  readonly operationId: string;
  readonly security?: readonly Readonly<Record<string, unknown>>[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly example?: unknown }>> };
}

interface Example {
  readonly id: string;
  readonly method: 'POST' | 'PUT' | 'PATCH';
  readonly path: string;
  readonly key: string;
  readonly type: string;
  readonly body: unknown;
}

function examples(): Example[] {
  const paths = api.app.swagger().paths as unknown as Record<string, Record<string, Operation>>;
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { operationId: id, security, requestBody }]) =>
      Object.entries(requestBody?.content ?? {}).map(([type, { example: body }]) => ({
        id,
        path,
        type,
        body,
        method: method.toUpperCase() as Example['method'],
        key: Object.keys(security?.[0] ?? {})[0] ?? '',
      })),
    ),
  );
}

/** Decisions and sends need a submitted task and Temporal, which are not here: their answer is 409 or 503. */
const BY_WORKFLOW = ['approveTask', 'rejectTask', 'testTask', 'setTaskRate'];
/** The first of these make what the others need. A stop is last. */
const ORDER = ['registerDevice', 'putUserTokenKey', 'createAudience', 'createTask', 'createWebhook'];
const LAST = ['eraseUsers', 'stopApp'];

const world = fixture(beforeAll, async () => {
  const shop = await openShop(api);
  const operator = await shop.person('operator');
  const { appId, marketer, audienceId } = shop;
  const taskId = await seedTask(api.deps.db, { appId, personId: marketer.personId, now: api.clock.now });
  const push = await seedPush(api.deps.db, {
    appId,
    taskId,
    startedAt: api.clock.now,
    deliveries: [{ status: 'accepted', platform: 'ios', deviceId: 'phone-1' }],
  });
  return { shop, operator, push, appId, audienceId };
});

/** What is made while the examples are sent. */
const made = new Map<string, Record<string, unknown>>();
const madeId = (operation: string) => String(made.get(operation)?.['id']);

async function idFor(path: string): Promise<string> {
  if (path.startsWith('/v1/pushes')) return world.push.id;
  if (path === '/v1/audiences/{id}/upload') return madeId('uploadAudience');
  const [, first] = /^\/v1\/([a-z-]+)/.exec(path) ?? [];
  const maker = {
    audiences: 'createAudience',
    tasks: 'createTask',
    webhooks: 'createWebhook',
    subgroups: 'createSubgroup',
    'sub-campaigns': 'createSubCampaign',
  }[first ?? ''];
  return madeId(maker ?? '');
}

async function urlOf({ path }: Example): Promise<string> {
  const parts: Record<string, string> = {
    appId: world.appId,
    deviceId: 'phone-1',
    keyId: 'first',
    channel: 'apns',
    id: await idFor(path),
  };
  const url = path.replaceAll(/\{(\w+)\}/g, (_whole, name: string) => parts[name] ?? name);
  return path === '/v1/audiences/upload' ? `${url}?name=List` : url;
}

/** Puts IDs, a token and an address of the test where the example has those of a reader. */
async function bodyOf({ id, body }: Example): Promise<object | string> {
  if (id === 'bindUser') return { token: await userToken() };
  if (typeof body === 'string') return body;
  const text = JSON.stringify(body)
    .replaceAll('audience-of-yours', world.audienceId)
    .replaceAll('task-of-yours', madeId('createTask'))
    .replaceAll('https://example.com/', 'http://127.0.0.1:9/');
  return JSON.parse(text);
}

async function userToken(): Promise<string> {
  const secret = (examples().find(({ id }) => id === 'putUserTokenKey')?.body as { secret: string }).secret;
  const now = Math.floor(api.clock.now.getTime() / 1000);
  const token = new SignJWT().setProtectedHeader({ alg: 'HS256', kid: 'first' }).setSubject('user-1');
  return await token
    .setAudience(world.appId)
    .setExpirationTime(now + 60)
    .sign(new TextEncoder().encode(secret));
}

function callerOf({ id, key }: Example): Caller {
  if (['putTestDevices', 'approveTask', 'rejectTask', 'approveTasks', 'rejectTasks'].includes(id)) {
    return world.shop.approver;
  }
  return key === 'sdk' ? world.shop.sdk : world.operator;
}

async function send(example: Example) {
  const secret = made.get('registerDevice')?.['secret'];
  const headers = {
    'content-type': example.type,
    ...(secret === undefined ? {} : { 'x-device-secret': String(secret) }),
    ...(example.key === 'admin' ? { authorization: `Bearer ${ADMIN_KEY}` } : {}),
  };
  const body = await bodyOf(example);
  return await callerOf(example).call(example.method, await urlOf(example), body, headers);
}

const placeOf = ({ id }: Example) => {
  const first = ORDER.indexOf(id);
  return first >= 0 ? first : ORDER.length + (LAST.includes(id) ? 1 : 0);
};

test('every example of the reference works', async () => {
  // A callback is signed. The tests of vendors' receipts send one.
  const all = examples()
    .filter(({ id }) => id !== 'takeVendorReceipts')
    .toSorted((a, b) => placeOf(a) - placeOf(b));
  expect(all.length).toBeGreaterThan(40);
  for (const example of all) {
    const { status, body } = await send(example);
    const told = `${example.id} ${example.type}: ${JSON.stringify(body)}`;
    if (!made.has(example.id)) made.set(example.id, body);
    if (BY_WORKFLOW.includes(example.id) && status >= 300) expect([409, 503], told).toContain(status);
    else expect(status, told).toBeLessThan(300);
  }
  expect(made.get('importDevices')).toMatchObject({ badRows: 0 });
  expect(made.get('uploadAudience')).toMatchObject({ badRows: 0, members: 2 });
  expect(made.get('previewContent')).toMatchObject({ reason: null });
});
