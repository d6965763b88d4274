import { seedSentPush } from './lib/ledger.ts';
import { describeMachine } from './lib/machine.ts';
import type { BenchOptions } from './lib/options.ts';
import { percentile } from './lib/percentile.ts';
import { type Figures, round, say } from './lib/report.ts';
import { type Rig, withRig } from './lib/rig.ts';

/** Devices of the largest push. The other pushes have a fifth and a five-hundredth of them. */
const LARGEST = 5_000_000;
/** Enough requests that a few slow moments of the machine do not decide the p99. */
const REQUESTS = 800;
const WARM_UP = 30;

/** The time of a push's pages by its number of devices: the task list, the statistics, the deliveries. */
export async function stats(options: BenchOptions): Promise<Figures> {
  const largest = options.devices ?? LARGEST;
  const sizes = [largest / 500, largest / 5, largest].map(Math.ceil);
  const requests = options.n ?? REQUESTS;
  return await withRig(options, async (rig) => {
    const apps = new Map<number, { key: string; paths: Paths }>();
    for (const devices of sizes) {
      say(`A push of ${devices} devices …`);
      // Each size has an app of its own, whose list holds that push.
      const app = await rig.createApp(`stats ${devices}`);
      const seed = { appId: app.id, devices, startedAt: new Date() };
      const push = await seedSentPush(rig.stack.databaseUrl, seed);
      apps.set(devices, { key: app.keys.marketer, paths: pathsOf(push.id, push.taskId) });
    }
    await rig.pool.query('checkpoint');
    const times = new Map(sizes.map((devices) => [devices, emptyTimes()]));
    say(`${requests} requests of each kind to each …`);
    // The sizes take turns, so that a busy moment of the machine falls on all alike.
    for (let round = -WARM_UP; round < requests; round++) {
      for (const [devices, { key, paths }] of apps) {
        for (const page of PAGES) {
          const ms = await timed(rig, key, paths[page]);
          if (round >= 0) times.get(devices)?.[page].push(ms);
        }
      }
    }
    return { requests, ...summaryOf(times), machine: await describeMachine(rig) };
  });
}

const PAGES = ['list', 'statistics', 'details', 'totals'] as const;
type Paths = Readonly<Record<(typeof PAGES)[number], string>>;
type Times = Readonly<Record<(typeof PAGES)[number], number[]>>;

function pathsOf(pushId: string, taskId: string): Paths {
  return {
    list: '/v1/tasks?limit=50',
    statistics: `/v1/pushes/${pushId}/statistics`,
    details: `/v1/pushes/${pushId}/deliveries?limit=50&platform=android`,
    totals: `/v1/tasks/${taskId}/statistics`,
  };
}

function emptyTimes(): Times {
  return { list: [], statistics: [], details: [], totals: [] };
}

async function timed(rig: Rig, key: string, path: string): Promise<number> {
  const before = performance.now();
  const response = await fetch(`${rig.product.apiUrl}${path}`, {
    headers: { authorization: `Bearer ${key}` },
  });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`GET ${path}: ${response.status} ${text}`);
  return performance.now() - before;
}

/** `p99Ms` is of the slowest page. `growth` compares each page of the largest push with the smallest. */
function summaryOf(times: ReadonlyMap<number, Times>) {
  const sizes = [...times.keys()];
  const of = (devices: number | undefined, page: (typeof PAGES)[number], share: number) =>
    round(percentile(times.get(devices ?? 0)?.[page] ?? [], share));
  const bySize = (share: number) =>
    Object.fromEntries(
      sizes.map((devices) => [
        devices,
        Object.fromEntries(PAGES.map((page) => [page, of(devices, page, share)])),
      ]),
    );
  const growthOf = (share: number) =>
    Object.fromEntries(
      PAGES.map((page) => [page, round(of(sizes.at(-1), page, share) / of(sizes[0], page, share))]),
    );
  const growth = growthOf(0.99);
  return {
    p99Ms: Object.fromEntries(
      sizes.map((devices) => [devices, Math.max(...PAGES.map((page) => of(devices, page, 0.99)))]),
    ),
    growth: Math.max(...Object.values(growth)),
    pagesP99Ms: bySize(0.99),
    pagesP50Ms: bySize(0.5),
    pagesGrowth: growth,
    pagesGrowthP50: growthOf(0.5),
  };
}
