import { beforeEach, expect } from 'vitest';
import { createTestApp, useTestApi } from '../fixtures/test-api.ts';
import { fixture } from './fixture.ts';

export const VIP = { field: 'tags', op: 'any', value: ['vip'] };

/** For the top of a test file: an app for each test, with calls for its rules and devices. */
export function useAudiences() {
  const api = useTestApi();
  const app = fixture(beforeEach, () => createTestApp(api));
  const post = (body: object, who: 'marketer' | 'approver' = 'marketer') =>
    app.call(who, 'POST', '/v1/audiences', body);
  return {
    api,
    app,
    post,
    put: (id: string, body: object) => app.call('marketer', 'PUT', `/v1/audiences/${id}`, body),
    madeRule: async (rule: object): Promise<string> =>
      (await post({ name: 'Rule', kind: 'rule', rule })).json().id,
    estimate: (body: object) => app.call('approver', 'POST', '/v1/audiences/estimate', body),
    async register(devices: readonly object[]): Promise<void> {
      const payload = devices.map((device) => JSON.stringify(device)).join('\n');
      const headers = {
        authorization: `Bearer ${app.keys.operator}`,
        'content-type': 'application/x-ndjson',
      };
      const answer = await api.app.inject({ method: 'POST', url: '/v1/devices/import', headers, payload });
      expect(answer.json()).toMatchObject({ badRows: 0 });
    },
    ios: (deviceId: string, more: object = {}) => ({
      deviceId,
      platform: 'ios',
      attributes: { id: deviceId },
      token: Buffer.from(`${deviceId} of ${app.appId}`.padEnd(40)).toString('hex'),
      ...more,
    }),
  };
}

export function combine(op: string, ...ids: string[]) {
  return { combination: { op, of: ids.map((id) => ({ id })) } };
}

/** The pointers to the faults in an answer. */
export function pointers(answer: { json(): { errors?: { pointer: string }[] } }): string[] {
  return (answer.json().errors ?? []).map(({ pointer }) => pointer);
}
