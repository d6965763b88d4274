import { expect, test } from 'vitest';
import type { InvalidToken } from '../../db/ledger/invalid-tokens.ts';
import type { Outcome } from '../../domain/pushes/outcome.ts';
import { BadTokens } from './bad-tokens.ts';

const gone: Outcome = { kind: 'rejected', reason: 'Unregistered', token: 'gone' };
const doubtful: Outcome = { kind: 'rejected', reason: 'BadDeviceToken', token: 'doubtful' };

function collect() {
  const written: number[] = [];
  const write = async (tokens: readonly InvalidToken[]) =>
    void written.push(...tokens.map(({ deliveryNo }) => deliveryNo));
  return { written, write };
}

test('tokens that could not be deactivated are deactivated the next time', async () => {
  const tokens = new BadTokens();
  tokens.record(1, 'apns', gone);
  await expect(tokens.write(() => Promise.reject(new Error('no database')))).rejects.toThrow('no database');
  tokens.record(2, 'fcm', gone);
  expect(tokens.areWritten).toBe(false);
  const { written, write } = collect();
  await tokens.write(write);
  expect(written).toEqual([1, 2]);
  expect(tokens.areWritten).toBe(true);
});

test('doubtful tokens wait for the end, and are bad where their channel is credible', async () => {
  const tokens = new BadTokens();
  tokens.record(1, 'apns', doubtful);
  tokens.record(2, 'fcm', doubtful);
  tokens.record(3, 'fcm', { kind: 'rejected', reason: 'missing_variable', token: 'good' });
  const { written, write } = collect();
  await tokens.write(write);
  expect(written).toEqual([]);
  tokens.judge((channel) => channel === 'fcm');
  await tokens.write(write);
  expect(written).toEqual([2]);
});
