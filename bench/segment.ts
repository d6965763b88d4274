import { isDeepStrictEqual } from 'node:util';
import type { PoolClient } from 'pg';
import { findNames } from '../db/events/event-names.ts';
import type { BenchOptions } from './lib/options.ts';
import { percentile } from './lib/percentile.ts';
import { type Figures, round, say } from './lib/report.ts';
import { connectBaseline, type Query, queriesOf, type Total } from './segment/baseline.ts';
import { EVENTS_PER_DEVICE, fillApp } from './segment/data.ts';
import { type Baseline, RULES } from './segment/rules.ts';
import { openStage, type Stage } from './segment/stage.ts';

const NOW = new Date('2026-11-22T10:00:00Z');
/** Runs of each rule; a fifth of them at the larger size. */
const RUNS = 20;
const GROWTH = 5;

interface Measured {
  readonly rule: string;
  readonly planned: number;
  readonly ms: readonly number[];
  readonly baselineMs: readonly number[];
}

/** The time of an estimate with its losses against the best SQL by hand, and its growth with the devices. */
export async function segment(options: BenchOptions): Promise<Figures> {
  const devices = options.devices ?? 1_000_000;
  const runs = options.n ?? RUNS;
  const small = await measureAt(devices, runs);
  const large = await measureAt(devices * GROWTH, Math.ceil(runs / GROWTH));
  const [own, grown] = [p95(small, 'ms'), p95(large, 'ms')];
  return {
    p95Ms: { [devices]: own, [devices * GROWTH]: grown },
    ratio: round(own / p95(small, 'baselineMs')),
    growth: round(grown / own),
    baselineP95Ms: { [devices]: p95(small, 'baselineMs'), [devices * GROWTH]: p95(large, 'baselineMs') },
    worstRuleRatio: round(Math.max(...small.map(ratioOf))),
    rules: Object.fromEntries(small.map((one, index) => [one.rule, figuresOf(one, large[index])])),
    runs,
    eventsPerDevice: EVENTS_PER_DEVICE,
  };
}

function p95(all: readonly Measured[], of: 'ms' | 'baselineMs'): number {
  return round(
    percentile(
      all.flatMap((one) => one[of]),
      0.95,
    ),
    0,
  );
}

function ratioOf({ ms, baselineMs }: Measured): number {
  return percentile(ms, 0.95) / percentile(baselineMs, 0.95);
}

function figuresOf(small: Measured, large: Measured | undefined) {
  const median = (ms: readonly number[]) => round(percentile(ms, 0.5), 0);
  return {
    planned: small.planned,
    p50Ms: [median(small.ms), median(large?.ms ?? [])],
    baselineP50Ms: [median(small.baselineMs), median(large?.baselineMs ?? [])],
    ratio: round(ratioOf(small)),
  };
}

async function measureAt(devices: number, runs: number): Promise<Measured[]> {
  const stage = await openStage(() => NOW);
  try {
    say(`${devices} devices, ${devices * EVENTS_PER_DEVICE} events …`);
    await fillApp(stage, { appId: stage.appId, count: devices, now: NOW });
    const client = await connectBaseline(stage.pool);
    const measured: Measured[] = [];
    for (const rule of RULES) measured.push(await measureRule(stage, client, rule, runs));
    client.release(true);
    return measured;
  } finally {
    await stage.stop();
  }
}

/**
 * Measures both in turns, so that the machine is the same. The first round warms up, and its results must
 * agree.
 */
async function measureRule(
  stage: Stage,
  client: PoolClient,
  made: Baseline,
  runs: number,
): Promise<Measured> {
  const { appId, db } = stage;
  const wanted = ['viewed', 'opened', 'carted', 'bought', 'visited'];
  const names = new Map((await findNames(db, appId, wanted)).map(({ name, no }) => [name, no]));
  const baselines = queriesOf(made, { appId, now: NOW, names });
  const expected = await estimateOf(stage, made);
  const tried: { query: Query; ms: number[] }[] = baselines.map((query) => ({ query, ms: [] }));
  for (const { query } of tried) {
    const total = await query(client);
    if (isDeepStrictEqual(total, expected)) continue;
    throw new Error(`${made.name}: by hand ${JSON.stringify(total)}, estimated ${JSON.stringify(expected)}`);
  }
  const ms: number[] = [];
  for (let run = 0; run < runs; run++) {
    ms.push(await timed(() => estimateOf(stage, made)));
    for (const one of tried) one.ms.push(await timed(() => one.query(client)));
  }
  const [best = []] = tried.map((one) => one.ms).toSorted((a, b) => percentile(a, 0.5) - percentile(b, 0.5));
  say(
    `  ${made.name}: ${expected.planned} planned, ${round(percentile(ms, 0.5), 0)} ms, by hand ${round(percentile(best, 0.5), 0)} ms`,
  );
  return { rule: made.name, planned: expected.planned, ms, baselineMs: best };
}

async function estimateOf({ app, key }: Stage, { rule }: Baseline): Promise<Total> {
  const answer = await app.inject({
    method: 'POST',
    url: '/v1/audiences/estimate',
    payload: { rule },
    headers: { authorization: `Bearer ${key}` },
  });
  if (answer.statusCode !== 200) throw new Error(answer.body);
  const { planned, matched, losses } = answer.json() as Total;
  return { planned, matched, losses };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}
