import { expect, test } from 'vitest';
import { ROLES } from '../../domain/role.ts';
import { ADMIN_KEY, createTestApp, useTestApi } from '../../test/fixtures/test-api.ts';
import { isPermitted, PERMISSIONS, type Permission } from './permissions.ts';

const names = Object.keys(PERMISSIONS) as Permission[];
const allowed = (role: (typeof ROLES)[number]) => names.filter((name) => isPermitted(role, name));

test('only an approver changes the test devices, and an operator may do everything else', () => {
  expect(allowed('operator')).toEqual(names.filter((name) => name !== 'test_devices.change'));
  expect(ROLES.filter((role) => isPermitted(role, 'test_devices.change'))).toEqual(['approver']);
});

test('an approver changes no task, but may always stop a task', () => {
  expect(allowed('approver').toSorted()).toEqual([
    'app.read',
    'app.stop',
    'audiences.read',
    'audit.read',
    'devices.read',
    'tasks.cancel',
    'tasks.decide',
    'tasks.pause',
    'tasks.read',
    'tasks.test',
    'test_devices.change',
  ]);
});

test('a marketer touches no settings, credentials or keys', () => {
  const own = allowed('marketer').filter((name) => /^(app|credentials|keys)\./.test(name));
  expect(own).toEqual(['app.read']);
});

const api = useTestApi();

test('403 names the roles and the kind of key that may', async () => {
  const app = await createTestApp(api);
  const detailOf = async (who: Parameters<typeof app.call>[0], url: string, method: 'GET' | 'PUT' | 'POST') =>
    (await app.call(who, method, url, method === 'GET' ? undefined : {})).json().detail;
  expect(await detailOf('marketer', '/v1/webhooks', 'GET')).toBe(
    'The role marketer lacks the permission webhooks.read; use the key of a person with the role operator',
  );
  expect(await detailOf('approver', '/v1/tasks', 'POST')).toContain('with the role marketer or operator');
  expect(await detailOf('sdk', '/v1/test-devices', 'PUT')).toBe(
    'This route needs the key of a person with the role approver, not an SDK key',
  );
  expect(await detailOf('operator', '/v1/receipts', 'POST')).toContain(
    "needs an SDK key, not a person's key",
  );
  expect(await detailOf('marketer', '/v1/tasks/task-1/approve', 'POST')).toContain(
    'approverRoles are: approver',
  );
  const asAdmin = (url: string) => api.app.inject({ url, headers: { authorization: `Bearer ${ADMIN_KEY}` } });
  const refused = await asAdmin('/v1/tasks');
  expect([refused.statusCode, refused.json().detail]).toEqual([
    403,
    'This route needs the key of a person with the role marketer or approver or operator, not the admin key',
  ]);
  const other = await app.call('operator', 'POST', '/v1/apps', { name: 'A', timeZone: 'UTC' });
  expect([other.statusCode, other.json().detail]).toEqual([401, expect.stringContaining('ADMIN_KEY')]);
});
