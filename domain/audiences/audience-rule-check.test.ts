import { expect, test } from 'vitest';
import type { AudienceRule } from './audience-rule.ts';
import { AudienceRuleSchema, faultsOfRule } from './audience-rule-check.ts';

const vip: AudienceRule = { field: 'tags', op: 'any', value: ['vip'] };
const faults = (rule: unknown) =>
  faultsOfRule(rule).map(({ path, message }) => `/${path.join('/')}: ${message}`);

test('a rule with every kind of condition is valid and stays as it was written', () => {
  const rule: AudienceRule = {
    all: [
      { field: 'attribute', name: 'plan', op: 'in', value: ['pro', 7, true] },
      { field: 'attribute', name: 'age', op: 'gte', value: 18 },
      { field: 'attribute', name: 'city', op: 'exists' },
      { field: 'attribute', name: 'city', op: 'contains', value: 'burg' },
      { field: 'platform', op: 'in', value: ['ios'] },
      { field: 'channel', op: 'in', value: ['apns'] },
      { field: 'appVersion', op: 'lt', value: '2.10.0-beta.1' },
      { field: 'locale', op: 'matches', value: ['pt', 'zh-Hant'] },
      { field: 'lastActive', op: 'within', days: 0.5 },
      { not: { any: [vip, { field: 'tags', op: 'all', value: ['a', 'b'] }] } },
      { field: 'push', op: 'opened', taskId: 'task-0123456789', hours: 24 },
      { field: 'audience', op: 'in', id: 'audience-0123456789', version: 2 },
      {
        field: 'event',
        op: 'not_done',
        name: 'bought',
        days: 30,
        times: 2,
        where: [{ property: 'price', op: 'gt', value: 10 }],
      },
    ],
  };
  expect(faults(rule)).toEqual([]);
  expect(AudienceRuleSchema.parse(rule)).toEqual(rule);
});

test('every fault is reported with its path', () => {
  const rule = {
    any: [
      { field: 'tags', op: 'none', value: [1] },
      { all: [{ not: { field: 'attribute', name: 'age', op: 'lt', value: true } }, 7, { field: 'nope' }] },
      {
        field: 'event',
        op: 'done',
        name: 'x',
        days: -1,
        extra: 1,
        where: [{ property: 'p', op: 'contains', value: 3 }],
      },
      { field: 'push', op: 'opened', pushId: 'push-0123456789-1', taskId: 'task-0123456789' },
      { all: [vip], any: [vip], color: 'red' },
      { all: [] },
    ],
  };
  expect(faults(rule)).toEqual([
    '/any/0/op: Invalid option: expected one of "any"|"all"',
    '/any/0/value/0: Invalid input: expected string, received number',
    '/any/1/all/0/not/value: must be a number or text',
    expect.stringMatching(/^\/any\/1\/all\/1: must be an object/),
    expect.stringMatching(/^\/any\/1\/all\/2\/field: must be one of attribute, /),
    '/any/2/days: Too small: expected number to be >0',
    '/any/2/where/0/value: Invalid input: expected string, received number',
    '/any/2/extra: is not a known field',
    '/any/3/pushId: must be omitted when taskId is set',
    '/any/4/any: must be omitted when all is set',
    '/any/4/color: is not a known field',
    '/any/5/all: must not be empty',
  ]);
  expect(AudienceRuleSchema.safeParse(rule).error?.issues).toHaveLength(12);
});

test('ten thousand conditions, endless nesting and a list of a million are refused at once', () => {
  const many = { any: new Array(10_000).fill(vip) };
  expect(faults(many)).toEqual(['/: must have at most 200 conditions and groups']);
  let deep: unknown = vip;
  for (let level = 0; level < 100_000; level++) deep = { not: deep };
  expect(faults(deep)).toEqual([
    expect.stringMatching(/^(\/not){10}: must not be nested deeper than 10 levels$/),
  ]);
  const long = { field: 'tags', op: 'any', value: new Array(1_000_000).fill(0) };
  expect(faults(long)).toEqual(['/value: must have at most 1000 values']);
  expect(faults(JSON.parse('['.repeat(200_000) + ']'.repeat(200_000)))).toHaveLength(1);
});

test('text that Postgres cannot store is refused', () => {
  const nul = { field: 'attribute', name: 'a\0', op: 'is', value: '\ud800' };
  expect(faultsOfRule(nul).map(({ path }) => path)).toEqual([['name'], ['value']]);
});
