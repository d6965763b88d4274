import type { InjectOptions } from 'fastify';
import { ADMIN_KEY, type World } from './world.ts';

type Json = Record<string, unknown>;

export interface Caller {
  readonly personId: string;
  readonly key: string;
}

export interface Answer<T = Json> {
  readonly status: number;
  readonly body: T;
}

/** One app with its people, credentials and devices, made through the API. */
export interface Shop {
  readonly appId: string;
  readonly marketer: Caller;
  readonly approver: Caller;
  readonly operator: Caller;
  readonly sdkKey: string;
  call<T = Json>(caller: Caller | string, method: string, path: string, body?: unknown): Promise<Answer<T>>;
}

export async function openShop(world: World, settings: Json = {}): Promise<Shop> {
  async function call<T>(
    caller: Caller | string,
    method: string,
    path: string,
    body?: unknown,
  ): Promise<Answer<T>> {
    const key = typeof caller === 'string' ? caller : caller.key;
    const isText = typeof body === 'string';
    const options: InjectOptions = {
      method: method as 'GET',
      url: path,
      headers: {
        authorization: `Bearer ${key}`,
        ...(isText ? { 'content-type': 'text/csv' } : {}),
        // Any revision matches. If-Match has tests of its own.
        ...(method === 'PATCH' ? { 'if-match': '*' } : {}),
      },
      ...(body === undefined ? {} : { payload: body as Json }),
    };
    const response = await world.app.inject(options);
    return { status: response.statusCode, body: (response.body === '' ? {} : response.json()) as T };
  }
  async function must<T>(...args: Parameters<typeof call>): Promise<T> {
    const { status, body } = await call<T>(...args);
    if (status >= 300) throw new Error(`${args[1]} ${args[2]}: ${status} ${JSON.stringify(body)}`);
    return body;
  }
  const settled = { name: 'Shop', timeZone: 'Asia/Shanghai', ...settings };
  const { id: appId } = await must<{ id: string }>(ADMIN_KEY, 'POST', '/v1/apps', settled);
  const person = (role: string) =>
    must<Caller>(ADMIN_KEY, 'POST', `/v1/apps/${appId}/keys`, { role, name: role });
  const [marketer, approver, operator] = await Promise.all([
    person('marketer'),
    person('approver'),
    person('operator'),
  ]);
  const sdk = await must<{ key: string }>(ADMIN_KEY, 'POST', `/v1/apps/${appId}/keys`, { role: 'sdk' });
  const { apns, fcm } = world.credentials;
  await must(operator, 'PUT', '/v1/app/credentials/apns', apns);
  const { type: _type, ...account } = fcm;
  await must(operator, 'PUT', '/v1/app/credentials/fcm', account);
  return { appId, marketer, approver, operator, sdkKey: sdk.key, call };
}

/** Registers devices `d1`, `d2` and so on: odd ones iOS, even ones Android. */
export async function importDevices(shop: Shop, count: number): Promise<void> {
  const rows = Array.from({ length: count }, (_, index) => {
    const n = index + 1;
    const token = n % 2 === 1 ? n.toString(16).padStart(64, '0') : `fcm-token-${String(n).padStart(40, '0')}`;
    return `d${n},${n % 2 === 1 ? 'ios' : 'android'},${token}`;
  });
  const csv = ['device_id,platform,token', ...rows].join('\n');
  const { status, body } = await shop.call(shop.marketer, 'POST', '/v1/devices/import', csv);
  if (status >= 300) throw new Error(`import: ${status} ${JSON.stringify(body)}`);
}

export async function openShopWithDevices(world: World, count: number, settings: Json = {}): Promise<Shop> {
  const shop = await openShop(world, settings);
  await importDevices(shop, count);
  return shop;
}

/** Creates an audience of all devices. */
export async function everybody(shop: Shop): Promise<string> {
  const { body } = await shop.call<{ id: string }>(shop.marketer, 'POST', '/v1/audiences', {
    name: 'everybody',
    kind: 'all',
  });
  return body.id;
}

export async function createTask(shop: Shop, definition: Json): Promise<string> {
  const task = {
    name: 'Sale',
    pushType: 'single',
    content: { title: 'Sale', body: 'Today only' },
    ...definition,
  };
  const { status, body } = await shop.call<{ id: string }>(shop.marketer, 'POST', '/v1/tasks', task);
  if (status !== 201) throw new Error(`create: ${status} ${JSON.stringify(body)}`);
  return body.id;
}

export async function callAction(
  shop: Shop,
  caller: Caller,
  taskId: string,
  name: string,
  body?: unknown,
): Promise<Answer> {
  return await shop.call(caller, 'POST', `/v1/tasks/${taskId}/${name}`, body);
}

export async function submitAndApprove(shop: Shop, taskId: string): Promise<void> {
  for (const [caller, name, body] of [
    [shop.marketer, 'submit', undefined],
    [shop.approver, 'approve', { revision: 1 }],
  ] as const) {
    const answer = await callAction(shop, caller, taskId, name, body);
    if (answer.status >= 300) throw new Error(`${name}: ${answer.status} ${JSON.stringify(answer.body)}`);
  }
}
