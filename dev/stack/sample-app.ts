import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { DevCredentials } from '../simulators/credentials.ts';

const SampleApp = z.object({
  id: z.string(),
  name: z.string(),
  keys: z.object({ marketer: z.string(), approver: z.string(), operator: z.string(), sdk: z.string() }),
});

/** An app with a key for a person of each role and one for the SDK. */
export type SampleApp = z.infer<typeof SampleApp>;

export interface SampleAppOptions {
  apiUrl: string;
  adminKey: string;
  credentials: DevCredentials;
  name?: string;
}

type Send = (method: 'POST' | 'PUT', path: string, body: unknown, key: string) => Promise<unknown>;

function sender(apiUrl: string): Send {
  return async (method, path, body, key) => {
    const response = await fetch(`${apiUrl}${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  };
}

/** Creates the app, its keys and its credentials through the API, as an administrator and an operator do. */
export async function createSampleApp(options: SampleAppOptions): Promise<SampleApp> {
  const { adminKey, credentials, name = 'Sample app' } = options;
  const send = sender(options.apiUrl);
  const created = await send('POST', '/v1/apps', { name, timeZone: 'Europe/Berlin' }, adminKey);
  const { id } = z.object({ id: z.string() }).parse(created);
  const makeKey = async (wanted: object) => {
    const made = await send('POST', `/v1/apps/${id}/keys`, wanted, adminKey);
    return z.object({ key: z.string() }).parse(made).key;
  };
  const keys = {
    marketer: await makeKey({ role: 'marketer', name: 'Mara Marketer' }),
    approver: await makeKey({ role: 'approver', name: 'Arno Approver' }),
    operator: await makeKey({ role: 'operator', name: 'Olga Operator' }),
    sdk: await makeKey({ role: 'sdk' }),
  };
  await send('PUT', '/v1/app/credentials/apns', credentials.apns, keys.operator);
  await send('PUT', '/v1/app/credentials/fcm', credentials.fcm, keys.operator);
  return { id, name, keys };
}

/** The sample app of this data directory. It is kept in a file, because the API shows keys only once. */
export async function keptSampleApp(options: SampleAppOptions & { dataDir: string }): Promise<SampleApp> {
  const file = join(options.dataDir, 'sample-app.json');
  if (existsSync(file)) return SampleApp.parse(JSON.parse(readFileSync(file, 'utf8')));
  const app = await createSampleApp(options);
  writeFileSync(file, `${JSON.stringify(app, null, 2)}\n`, { mode: 0o600 });
  return app;
}
