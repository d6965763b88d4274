import { expect, test } from 'vitest';
import { createMac } from '../../security/message-mac.ts';
import { hasHit } from './fault-injector.ts';
import { type Findings, reportOf } from './report.ts';
import { Traffic } from './traffic.ts';

const options = {
  seed: 1,
  devices: 10,
  temporal: 'dev',
  rounds: 3,
  storms: 2,
  say: () => undefined,
} as const;
const kills = { sender: 3, workflow: 3, api: 3, temporal: 3, postgres: 3 };
const storms = { freeze: 2, goaway: 2, unavailable: 2, blackhole: 2 };
const none = { forgotten: [], contradictions: [], receiptsLost: [], receiptsInvented: [], unreconciled: [] };
const held: Findings = {
  options,
  kills,
  storms,
  crashes: [],
  unfinished: [],
  refusedReceipts: [],
  receipts: 0,
  durationMs: 0,
  found: { deliveries: 10, ambiguous: [], ...none },
  attributed: { perSender: [], elsewhere: {} },
  traffic: new Traffic(createMac(Buffer.alloc(32), 'message-id'), 10),
};

test('a run in which every fault hit often enough and nothing was lost is not broken', () => {
  expect(reportOf(held).broken).toEqual([]);
});

test.each([
  ['kills', 'postgres'],
  ['storms', 'freeze'],
  ['storms', 'blackhole'],
] as const)('a run fails whose %s of kind %s hit open requests too seldom', (list, kind) => {
  const { line, broken } = reportOf({ ...held, [list]: { ...held[list], [kind]: 1 } });
  expect(broken).toEqual([`hit open requests too seldom: ${kind}: 1`]);
  expect(line[list]).toMatchObject({ [kind]: 1 });
});

test('unseen deliveries are shown for each dead sender, and more than 256 of one sender fail the run', () => {
  const perSender = [
    { fault: '1 sender worker-2', unseen: 256 },
    { fault: '2 freeze worker-3', unseen: 257 },
  ];
  const { line, broken } = reportOf({ ...held, attributed: { perSender, elsewhere: {} } });
  expect(line).toMatchObject({ ambiguousUnseenOf: perSender, ambiguousUnseenPerKill: 257 });
  expect(broken).toEqual([expect.stringContaining('2 freeze worker-3')]);
});

test('an unseen delivery that no dead sender explains fails the run', () => {
  const elsewhere = { 'Timeout after goaway': 3 };
  const { broken } = reportOf({ ...held, attributed: { perSender: [], elsewhere } });
  expect(broken).toEqual([expect.stringContaining('3 Timeout after goaway')]);
});

test('a fault has hit when requests were open and its sender held a lease or could not be asked', () => {
  const fault = {
    kind: 'freeze',
    target: 'worker-2',
    atMs: 0,
    open: 5,
    held: [{ pushNo: 1, leaseNo: 0 }],
  } as const;
  expect(hasHit(fault)).toBe(true);
  expect(hasHit({ ...fault, held: undefined })).toBe(true);
  expect(hasHit({ ...fault, held: [] })).toBe(false);
  expect(hasHit({ ...fault, open: 0 })).toBe(false);
});
