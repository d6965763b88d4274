import { expect, test } from 'vitest';
import { createTestApp } from '../../test/fixtures/test-api.ts';
import { combine, pointers, useAudiences, VIP } from '../../test/setup/audiences.ts';

const { api, app, estimate, ios, madeRule, post, put, register } = useAudiences();

test('a rule is stored as it was written, and a change is its next version', async () => {
  const made = await post({ name: 'Regulars', kind: 'rule', rule: VIP });
  expect([made.statusCode, made.json()]).toMatchObject([201, { kind: 'rule', version: 1, members: null }]);
  const { id } = made.json();
  const changed = await put(id, { rule: { not: VIP } });
  expect([changed.statusCode, changed.json().version]).toEqual([200, 2]);
  const details = (await app.call('approver', 'GET', `/v1/audiences/${id}`)).json();
  expect(details).toMatchObject({
    refresh: null,
    versions: [
      { version: 2, source: { rule: { not: VIP } } },
      { version: 1, source: { rule: VIP } },
    ],
  });
});

test('every fault of a rule is answered with its place', async () => {
  const rule = {
    all: [
      { field: 'nope' },
      {
        any: [
          { ...VIP, op: 'some' },
          { ...VIP, more: 1 },
        ],
      },
      { not: [] },
    ],
  };
  const expected = ['/rule/all/0/field', '/rule/all/1/any/0/op', '/rule/all/1/any/1/more', '/rule/all/2/not'];
  for (const answer of [await post({ name: 'x', kind: 'rule', rule }), await estimate({ rule })]) {
    expect(answer.statusCode).toBe(400);
    expect(pointers(answer)).toEqual(expected);
  }
});

test('audiences are united, intersected and subtracted, each in its pinned version', async () => {
  await register(['a', 'b', 'c'].map((deviceId) => ios(deviceId)));
  const ids = (...value: string[]) => ({ field: 'attribute', name: 'id', op: 'in', value });
  const [ab, bc] = [await madeRule(ids('a', 'b')), await madeRule(ids('b', 'c'))];
  const planned = async (op: string) => (await estimate(combine(op, ab, bc))).json().planned;
  expect([await planned('union'), await planned('intersection'), await planned('difference')]).toEqual([
    3, 1, 1,
  ]);
  const made = await post({ name: 'Both', kind: 'combination', ...combine('intersection', ab, bc) });
  await put(ab, { rule: ids('a', 'b', 'c') });
  const both = { audience: { id: made.json().id } };
  expect((await estimate(both)).json().planned).toBe(1);
  expect((await put(made.json().id, combine('intersection', ab, bc))).json().version).toBe(2);
  expect((await estimate(both)).json().planned).toBe(2);
  expect((await estimate({ audience: { ...both.audience, version: 1 } })).json().planned).toBe(1);
});

test('an audience is not a part of itself, not through others either', async () => {
  const [a, b] = [await madeRule(VIP), await madeRule({ not: VIP })];
  const union = (await post({ name: 'U', kind: 'combination', ...combine('union', a, b) })).json().id;
  const self = await put(union, combine('union', a, union));
  expect([self.statusCode, self.json().errors]).toEqual([
    400,
    [{ pointer: '/combination/of/1/id', detail: 'the audience would be a part of itself' }],
  ]);
  const through = await put(a, { rule: { any: [VIP, { field: 'audience', op: 'in', id: union }] } });
  expect(pointers(through)).toEqual(['/rule/any/1/id']);
});

test('audiences of another app, versions and pushes that do not exist are faults with their place', async () => {
  const other = await createTestApp(api);
  const foreign = (await other.call('operator', 'POST', '/v1/audiences', { name: 'x', kind: 'all' })).json()
    .id;
  const own = await madeRule(VIP);
  const rule = {
    any: [
      { field: 'audience', op: 'in', id: foreign },
      { field: 'audience', op: 'in', id: own, version: 9 },
    ],
  };
  expect(pointers(await post({ name: 'x', kind: 'rule', rule }))).toEqual([
    '/rule/any/0/id',
    '/rule/any/1/id',
  ]);
  expect(pointers(await estimate({ audience: { id: foreign } }))).toEqual(['/audience']);
  const gone = await estimate({
    rule: { not: { field: 'push', op: 'opened', pushId: 'push-0123456789-1' } },
  });
  expect(gone.json()).toMatchObject({ status: 400, errors: [{ pointer: '/rule', detail: /do not exist/ }] });
  expect((await other.call('operator', 'PUT', `/v1/audiences/${own}`, { rule: VIP })).statusCode).toBe(404);
});

test('an audience keeps its kind, and a request must give exactly one definition', async () => {
  const id = await madeRule(VIP);
  expect((await put(id, combine('union', id, id))).statusCode).toBe(409);
  expect((await put(id, {})).statusCode).toBe(400);
  expect((await estimate({ rule: VIP, audience: { id } })).statusCode).toBe(400);
  expect((await estimate({})).statusCode).toBe(400);
});

test('an audience in use cannot be archived, and an archived one is not found', async () => {
  const [used, free] = [await madeRule(VIP), await madeRule({ not: VIP })];
  const union = (await post({ name: 'U', kind: 'combination', ...combine('union', used, free) })).json().id;
  const remove = (id: string) => app.call('marketer', 'DELETE', `/v1/audiences/${id}`);
  const refused = await remove(used);
  expect([refused.statusCode, refused.json().detail]).toEqual([409, `The audience is used by ${union}`]);
  const task = await app.call('marketer', 'POST', '/v1/tasks', {
    name: 'Sale',
    pushType: 'manual',
    content: { title: 't', body: 'b' },
    audience: { id: union },
    exclusions: [{ id: free }],
    devices: 'last_active',
    audienceAt: 'approval',
  });
  expect(task.statusCode).toBe(201);
  expect(task.json().definition).toMatchObject({ exclusions: [{ id: free, version: 1 }] });
  expect((await remove(union)).json().detail).toBe(`The audience is used by ${task.json().id}`);
  await app.call('marketer', 'DELETE', `/v1/tasks/${task.json().id}`);
  expect((await remove(union)).statusCode).toBe(204);
  expect([(await remove(union)).statusCode, (await remove(free)).statusCode]).toEqual([404, 204]);
  expect((await app.call('marketer', 'GET', `/v1/audiences/${union}`)).statusCode).toBe(404);
});

test('an exclusion that does not exist is a fault of the task', async () => {
  const task = await app.call('marketer', 'POST', '/v1/tasks', {
    name: 'Sale',
    pushType: 'manual',
    content: { title: 't', body: 'b' },
    audience: { id: await madeRule(VIP) },
    exclusions: [{ id: 'audience-0000000000' }],
  });
  expect(pointers(task)).toEqual(['/exclusions/0']);
});
