import { expect, test } from 'vitest';
import { ROLES } from '../../domain/role.ts';
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
