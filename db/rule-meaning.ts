import { compareVersions } from '../domain/app-version.ts';
import type { AudienceRule } from '../domain/audience-rule.ts';
import type { Device, Happened } from './rule-fixture.ts';

/**
 * For tests: what the words of a rule mean, said a second time: without SQL, and without the code that it
 * judges.
 */
export function meets(rule: AudienceRule, device: Device, events: readonly Happened[]): boolean {
  if ('all' in rule) return rule.all.every((one) => meets(one, device, events));
  if ('any' in rule) return rule.any.some((one) => meets(one, device, events));
  if ('not' in rule) return !meets(rule.not, device, events);
  switch (rule.field) {
    case 'attribute':
      return compares(device.attributes[rule.name], rule);
    case 'tags':
      return rule.op === 'any'
        ? rule.value.some((tag) => device.tags.includes(tag))
        : rule.value.every((tag) => device.tags.includes(tag));
    case 'platform':
      return rule.value.includes(device.platform);
    case 'channel':
      return rule.value.includes(device.platform === 'ios' ? 'apns' : 'fcm');
    case 'appVersion':
      return device.version !== null && orders(compareVersions(device.version, rule.value), rule.op);
    case 'locale': {
      const parts = (text: string) => text.toLowerCase().split(/[-_]/);
      const own = device.locale === null ? [] : parts(device.locale);
      return rule.value.some((value) => parts(value).every((part, place) => own[place] === part));
    }
    case 'lastActive':
      if (device.active === null) return false;
      return rule.op === 'within' ? device.active <= rule.days : device.active > rule.days;
    case 'event': {
      const own = events.filter(({ of }) =>
        'userId' in of ? of.userId === device.user : of.deviceId === device.id,
      );
      const counted = own.filter(
        (one) =>
          one.name === rule.name &&
          one.days <= rule.days &&
          (rule.where ?? []).every((where) => compares(one.properties[where.property], where)),
      );
      return counted.length >= (rule.times ?? 1) === (rule.op === 'done');
    }
    default:
      throw new Error('not tried here');
  }
}

function compares(member: unknown, { op, ...rest }: { op: string; value?: unknown }): boolean {
  const { value } = rest;
  if (op === 'exists') return member !== undefined && member !== null;
  if (op === 'is') return member === value;
  if (op === 'in') return (value as unknown[]).includes(member);
  if (op === 'contains') return typeof member === 'string' && member.includes(value as string);
  if (op === 'starts_with') return typeof member === 'string' && member.startsWith(value as string);
  if (typeof member === 'number' && typeof value === 'number') return orders(member - value, op);
  if (typeof member !== 'string' || typeof value !== 'string') return false;
  return orders(Buffer.compare(Buffer.from(member), Buffer.from(value)), op);
}

function orders(order: number, op: string): boolean {
  return { is: order === 0, lt: order < 0, lte: order <= 0, gt: order > 0, gte: order >= 0 }[op] ?? false;
}
