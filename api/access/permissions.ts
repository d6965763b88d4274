import { ROLES, type Role } from '../../domain/role.ts';

const EVERYBODY: readonly Role[] = ROLES;
const MAKERS: readonly Role[] = ['marketer', 'operator'];
const OPERATORS: readonly Role[] = ['operator'];

/** The roles of each permission. No other place decides about roles. */
export const PERMISSIONS = {
  'app.read': EVERYBODY,
  'app.change': OPERATORS,
  'app.stop': ['approver', 'operator'],
  'audit.read': ['approver', 'operator'],
  'credentials.read': OPERATORS,
  'credentials.change': OPERATORS,
  'keys.read': OPERATORS,
  'keys.revoke': OPERATORS,
  'devices.read': EVERYBODY,
  'devices.import': MAKERS,
  'devices.delete': MAKERS,
  'devices.export': OPERATORS,
  /** An import with `resubscribe=true`. */
  'devices.resubscribe': OPERATORS,
  'users.erase': OPERATORS,
  'webhooks.read': OPERATORS,
  'webhooks.change': OPERATORS,
  'events.report': MAKERS,
  'audiences.read': EVERYBODY,
  'audiences.change': MAKERS,
  'subgroups.change': MAKERS,
  'sub_campaigns.change': MAKERS,
  'tasks.read': EVERYBODY,
  'tasks.change': MAKERS,
  'tasks.submit': MAKERS,
  'tasks.withdraw': MAKERS,
  'tasks.test': EVERYBODY,
  'test_devices.change': ['approver'],
  /** Further restricted by `approverRoles` of the app. */
  'tasks.decide': EVERYBODY,
  'tasks.send': MAKERS,
  'tasks.pause': EVERYBODY,
  'tasks.resume': MAKERS,
  'tasks.cancel': EVERYBODY,
  'tasks.set_rate': MAKERS,
  'tasks.delete': MAKERS,
} as const satisfies Record<string, readonly Role[]>;

export type Permission = keyof typeof PERMISSIONS;

/** The roles of a permission as a text, such as "marketer or operator". */
export function rolesOf(permission: Permission): string {
  return PERMISSIONS[permission].join(' or ');
}

export function isPermitted(role: Role, permission: Permission): boolean {
  const roles: readonly Role[] = PERMISSIONS[permission];
  return roles.includes(role);
}
