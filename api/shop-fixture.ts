import { randomBytes } from 'node:crypto';
import type { InjectOptions } from 'fastify';
import { insertKey } from '../db/keys.ts';
import { newId } from '../domain/ids.ts';
import type { Role } from '../domain/role.ts';
import { newSecret } from './secrets.ts';
import type { TestApi } from './testing.ts';

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface Caller {
  readonly personId: string;
  /** For requests over a socket. */
  readonly headers: Readonly<Record<string, string>>;
  /** A body that is no JSON; fails unless the answer is 200. */
  text(method: Method, url: string): Promise<string>;
  call(
    method: Method,
    url: string,
    body?: InjectOptions['payload'],
    headers?: Record<string, string>,
  ): Promise<{ status: number; body: Record<string, unknown>; headers: Record<string, unknown> }>;
}

/** For tests: an app with one audience, a person of each role, and an SDK key. */
export interface Shop {
  readonly appId: string;
  readonly audienceId: string;
  readonly marketer: Caller;
  readonly approver: Caller;
  readonly sdk: Caller;
  /** One more person of the app. */
  person(role: Role): Promise<Caller>;
}

export async function openShop(api: TestApi): Promise<Shop> {
  const { db } = api.deps;
  const now = api.clock.now;
  const appId = newId('app', randomBytes);
  await db
    .insertInto('apps')
    .values({ id: appId, name: 'Shop', time_zone: 'Asia/Shanghai', stopped_at: null, created_at: now })
    .execute();
  const marketer = await callerOf(api, appId, 'marketer');
  return {
    appId,
    marketer,
    approver: await callerOf(api, appId, 'approver'),
    sdk: await callerOf(api, appId, undefined),
    person: (role) => callerOf(api, appId, role),
    audienceId: await seedAudience(api, appId, marketer.personId),
  };
}

export function newTask(shop: Shop, more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    name: 'Autumn sale',
    pushType: 'single',
    audience: { id: shop.audienceId },
    content: { title: 'Sale', body: 'Today only' },
    ...more,
  };
}

async function callerOf(api: TestApi, appId: string, role: Role | undefined): Promise<Caller> {
  const { db } = api.deps;
  const createdAt = api.clock.now;
  const personId = newId('person', randomBytes);
  if (role !== undefined) {
    await db
      .insertInto('people')
      .values({ id: personId, app_id: appId, name: `Mei the ${role}`, role, created_at: createdAt })
      .execute();
  }
  const key = newSecret('sbk');
  const owner = role === undefined ? null : personId;
  await insertKey(db, { id: newId('key', randomBytes), appId, key, personId: owner, createdAt });
  const authorization = { authorization: `Bearer ${key}` };
  return {
    personId,
    headers: authorization,
    text: async (method, url) => {
      const response = await api.app.inject({ method, url, headers: authorization });
      if (response.statusCode !== 200) throw new Error(response.body);
      return response.body;
    },
    call: async (method, url, payload, headers = {}) => {
      const response = await api.app.inject({
        method,
        url,
        headers: { ...authorization, ...headers },
        ...(payload === undefined ? {} : { payload }),
      });
      const body = response.body === '' ? {} : response.json();
      return { status: response.statusCode, body, headers: response.headers };
    },
  };
}

async function seedAudience(api: TestApi, appId: string, personId: string): Promise<string> {
  const { db } = api.deps;
  const id = newId('audience', randomBytes);
  const made = { created_by: personId, created_at: api.clock.now };
  await db
    .insertInto('audiences')
    .values({ id, app_id: appId, name: 'Everybody', kind: 'all', version: 1, ...made })
    .execute();
  await db
    .insertInto('audience_versions')
    .values({ audience_id: id, version: 1, members: 0, source: '{}', ...made })
    .execute();
  return id;
}
