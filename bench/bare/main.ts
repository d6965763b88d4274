import type { ClientHttp2Session } from 'node:http2';
import { answerCall } from '../lib/child.ts';
import type { Target } from '../lib/target.ts';
import { openSession, sendAll } from './loop.ts';
import { type BareRequest, bareMessage, createRequests, makeRequests } from './requests.ts';

export interface BareSetting {
  /** Number of connections to each push service. */
  readonly sessions: number;
  readonly streams: number;
}

export interface BareInput {
  readonly target: Target;
  /** Each setting is tried with `trial` requests. The best then sends `count`. */
  readonly settings: readonly BareSetting[];
  readonly trial: number;
  readonly count: number;
}

export interface BareRun extends BareSetting {
  readonly perS: number;
  readonly cpuUsPerRequest: number;
}

export interface BareResult {
  readonly best: BareRun;
  readonly trials: readonly BareRun[];
}

answerCall(async ({ target, settings, trial, count }: BareInput): Promise<BareResult> => {
  const requests = await createRequests(target);
  let next = 1;

  function take(amount: number): { apns: BareRequest[]; fcm: BareRequest[] } {
    const made = makeRequests(requests, { from: next, count: amount }, target.platforms);
    next += amount;
    return made;
  }

  async function open(kind: 'apns' | 'fcm', amount: number): Promise<ClientHttp2Session[]> {
    const url = kind === 'apns' ? target.apnsUrl : target.fcmUrl;
    return await Promise.all(
      Array.from({ length: amount }, () =>
        openSession(url, target.ca, requests[kind](bareMessage(next++, kind))),
      ),
    );
  }

  async function run(setting: BareSetting, amount: number): Promise<BareRun> {
    const { sessions, streams } = setting;
    const apns = target.platforms === 'android' ? [] : await open('apns', sessions);
    const fcm = target.platforms === 'ios' ? [] : await open('fcm', sessions);
    const made = take(amount);
    const cpuBefore = process.cpuUsage();
    const startedAt = performance.now();
    await Promise.all([
      sendAll(apns, target.apnsUrl, streams, made.apns),
      sendAll(fcm, target.fcmUrl, streams, made.fcm),
    ]);
    const seconds = (performance.now() - startedAt) / 1000;
    const { user, system } = process.cpuUsage(cpuBefore);
    for (const session of [...apns, ...fcm]) session.close();
    return { ...setting, perS: amount / seconds, cpuUsPerRequest: (user + system) / amount };
  }

  const [first] = settings;
  if (first === undefined) throw new Error('at least one setting is required');
  await run(first, trial);
  const trials: BareRun[] = [];
  for (const setting of settings) trials.push(await run(setting, trial));
  const fastest = trials.reduce((best, each) => (each.perS > best.perS ? each : best));
  return { best: await run(fastest, count), trials };
});
