import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { BAD_TOKENS, SEED } from '../dev/demo/plan.ts';
import { generate } from '../dev/devices/generator.ts';

const DEMO = fileURLToPath(new URL('../dev/demo.ts', import.meta.url));
const DEVICES = 2_000;
const LIMIT_MS = 180_000;

const Count = z.int().nonnegative();
const Reasons = z.record(z.string(), Count);
const RepeatedPush = z.object({
  seq: Count,
  planned: Count,
  matched: Count,
  sent: Count,
  success: Count,
  failures: Count,
  noFeedback: Count,
  impressions: Count,
  opens: Count,
  taps: Count,
  dismissals: Count,
  dueAt: z.coerce.date(),
  startedAt: z.coerce.date(),
});
const Repeated = z.object({
  pushType: z.enum(['manual', 'recurring']),
  status: z.string(),
  pushes: z.array(RepeatedPush),
});
const Reported = z.object({ impressions: Count, opens: Count, taps: Count, dismissals: Count });
const Result = z.object({
  planned: Count,
  matched: Count,
  losses: Count,
  suppressed: Count,
  pending: Count,
  notSent: Count,
  sent: Count,
  success: Count,
  failures: Count,
  noFeedback: Count,
  deliveries: Count,
  impressions: Count,
  opens: Count,
  taps: Count,
  dismissals: Count,
  late: Count,
  lossReasons: Reasons,
  failureReasons: Reasons,
  simulator: z.object({ requests: Count, distinctDevices: Count, duplicates: Count }),
  devices: z.object({ delivered: Count, impressions: Count, opens: Count, taps: Count, dismissals: Count }),
  team: Reported.extend({ devices: Count }),
  tasks: z.array(Repeated),
  pauseAckMs: z.number(),
  requestsAfterAck: Count,
  generatedAudience: Count,
  badRows: z.object({ devices: Count, audience: Count }),
  reconciles: z.boolean(),
  differences: z.array(z.string()),
  durationMs: z.number(),
  final: z.boolean(),
});

let result: z.infer<typeof Result>;
beforeAll(async () => {
  const args = [DEMO, '--devices', String(DEVICES), '--json'];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: LIMIT_MS });
  result = Result.parse(JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? ''));
}, LIMIT_MS);

function sum(reasons: Readonly<Record<string, number>>): number {
  return Object.values(reasons).reduce((total, value) => total + value, 0);
}

test('the demo ends with final statistics, on which engine, push services and devices agree', () => {
  expect(result).toMatchObject({ final: true, reconciles: true, differences: [] });
});

test('the numbers add up, and each drop has its reason', () => {
  const { planned, matched, losses, suppressed, pending, sent, notSent, success, failures, noFeedback } =
    result;
  expect(planned).toBe(matched + losses);
  expect(matched).toBe(suppressed + pending + sent + notSent);
  expect(sent).toBe(success + failures + noFeedback);
  expect(pending + notSent + suppressed).toBe(0);
  expect(sum(result.lossReasons)).toBe(losses);
  expect(sum(result.failureReasons)).toBe(failures);
  expect(Object.keys(result.lossReasons).sort()).toEqual([
    'duplicate_device',
    'invalid_token',
    'no_token',
    'unknown_device',
    'unknown_user',
    'unsubscribed',
  ]);
});

test('the engine counts what the generator of the files expects', () => {
  const directory = mkdtempSync(join(tmpdir(), 'signalbox-demo-'));
  const generated = generate({ devices: DEVICES, seed: SEED, directory, shares: BAD_TOKENS });
  rmSync(directory, { recursive: true });
  const { planned, matched, lossReasons, failureReasons } = result;
  expect({ planned, matched, lossReasons, failureReasons }).toEqual(generated.expected);
  expect(result.badRows).toEqual({
    devices: generated.devices.errors.length,
    audience: generated.audience.errors.length,
  });
});

test('each device that was sent to was processed exactly once, or has a failure reason', () => {
  expect(result.simulator.duplicates).toBe(0);
  expect(result.simulator.distinctDevices).toBe(result.sent - result.failures + result.team.devices);
  expect(result.simulator.requests).toBeGreaterThanOrEqual(result.sent);
});

test('no request started after the pause was acknowledged', () => {
  expect(result.requestsAfterAck).toBe(0);
  expect(result.pauseAckMs).toBeGreaterThan(0);
});

test('the counts equal the reports of the devices, and late receipts are counted apart', () => {
  const { impressions, opens, taps, dismissals } = result.devices;
  expect(result).toMatchObject({ impressions, opens, taps, dismissals, generatedAudience: opens, late: 25 });
  expect(taps).toBeGreaterThan(opens);
  expect(result.deliveries).toBe(result.success);
});

test('a manual task pushes at each Send, a recurring one when its Schedule says so', () => {
  const [manual, recurring] = result.tasks;
  expect(manual).toMatchObject({ pushType: 'manual', status: 'scheduled', pushes: [{ seq: 1 }, { seq: 2 }] });
  expect(recurring).toMatchObject({ pushType: 'recurring', pushes: [{ seq: 1 }] });
  expect(['collecting', 'completed']).toContain(recurring?.status);
  for (const { dueAt, startedAt } of recurring?.pushes ?? []) {
    expect(dueAt.getTime() % 60_000).toBe(0);
    expect(startedAt.getTime()).toBeGreaterThanOrEqual(dueAt.getTime());
  }
});

test("each push of these tasks reaches each device of the team, and counts the team's reports", () => {
  const { devices, ...reported } = result.team;
  const pushes = result.tasks.flatMap((task) => task.pushes);
  for (const { planned, matched, sent, success, failures, noFeedback } of pushes) {
    expect({ planned, matched, sent, failures }).toEqual({
      planned: devices,
      matched: devices,
      sent: devices,
      failures: 0,
    });
    expect(success + noFeedback).toBe(sent);
  }
  const totals = { impressions: 0, opens: 0, taps: 0, dismissals: 0 };
  for (const push of pushes) {
    for (const name of ['impressions', 'opens', 'taps', 'dismissals'] as const) totals[name] += push[name];
  }
  expect(reported).toEqual(totals);
});
