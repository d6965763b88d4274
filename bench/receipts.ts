import { callInProcess } from './lib/child.ts';
import { type SentPush, seedSentPush } from './lib/ledger.ts';
import { describeMachine } from './lib/machine.ts';
import { cpuMs, difference, memoryMb } from './lib/meter.ts';
import type { BenchOptions } from './lib/options.ts';
import { percentile } from './lib/percentile.ts';
import { type Figures, round, say } from './lib/report.ts';
import { type Rig, withRig } from './lib/rig.ts';
import { bareUpdates } from './receipts/bare.ts';
import type { ClientInput, ClientResult } from './receipts/client.ts';

const RECEIPTS = 500_000;
const BATCH = 1_000;
const CLIENTS = 2;
const CONNECTIONS = 6;
const HALF_HOUR_MS = 1_800_000;

/** Receipts committed per second through the API, against bare updates of as many rows of an equal push. */
export async function receipts(options: BenchOptions): Promise<Figures> {
  const count = options.devices ?? RECEIPTS;
  const batch = options.n ?? BATCH;
  return await withRig(options, async (rig) => {
    const app = await rig.createApp('receipts');
    const seed = (startedAt: Date) =>
      seedSentPush(rig.stack.databaseUrl, { appId: app.id, devices: count, startedAt });
    say(`Two pushes of ${count} devices …`);
    // The pushes lie half an hour apart, so that each has a partition of its own.
    const ours = await seed(new Date());
    const theirs = await seed(new Date(Date.now() - HALF_HOUR_MS));
    await rig.pool.query('checkpoint');
    say('Bare updates …');
    const barePerS = await bareUpdates(rig.stack.databaseUrl, theirs, {
      receipts: count,
      devices: count,
      batch,
    });
    await rig.pool.query('checkpoint');
    say(`${CLIENTS} clients …`);
    const cpuBefore = cpuMs(rig);
    const results = await runClients(rig, { push: ours, sdkKey: app.keys.sdk, count, batch });
    const cpu = difference(cpuMs(rig), cpuBefore);
    const accepted = results.reduce((sum, result) => sum + result.accepted, 0);
    const startedAt = Math.min(...results.map((result) => result.startedAt));
    const endedAt = Math.max(...results.map((result) => result.endedAt));
    const oursPerS = accepted / ((endedAt - startedAt) / 1000);
    const times = results.flatMap((result) => result.ms);
    return {
      receipts: count,
      batch,
      accepted,
      counted: await countedOf(rig, ours),
      oursPerS: round(oursPerS, 0),
      barePerS: round(barePerS, 0),
      ratio: round(oursPerS / barePerS),
      cpuUsPerReceipt: {
        api: round((cpu.api * 1000) / accepted),
        postgres: round((cpu.postgres * 1000) / accepted),
      },
      p50Ms: round(percentile(times, 0.5)),
      p99Ms: round(percentile(times, 0.99)),
      refused: results.reduce((sum, result) => sum + result.refused, 0),
      apiMemoryMb: round(memoryMb(rig).api, 0),
      machine: await describeMachine(rig),
    };
  });
}

async function runClients(
  rig: Rig,
  { push, sdkKey, count, batch }: { push: SentPush; sdkKey: string; count: number; batch: number },
): Promise<ClientResult[]> {
  const share = Math.ceil(count / CLIENTS / batch) * batch;
  const startAt = Date.now() + 3_000 + (count / 100_000) * 1_000;
  return await Promise.all(
    Array.from({ length: CLIENTS }, (_, client) =>
      callInProcess<ClientInput, ClientResult>(new URL('./receipts/client.ts', import.meta.url), {
        apiUrl: rig.product.apiUrl,
        sdkKey,
        signingKey: rig.stack.env.SIGNING_KEY,
        pushNo: push.no,
        devices: count,
        from: client * share,
        to: Math.min(count, (client + 1) * share),
        batch,
        connections: CONNECTIONS,
        startAt,
      }),
    ),
  );
}

/** The receipts that the counters hold. Each receipt was of another device. */
async function countedOf(rig: Rig, { no }: SentPush): Promise<Record<string, number>> {
  const { rows } = await rig.pool.query<{ metric: string; value: string }>(
    `select metric, sum(value) as value from push_hours where push_no = $1 group by 1`,
    [no],
  );
  return Object.fromEntries(rows.map(({ metric, value }) => [metric, Number(value)]));
}
