import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { Pool } from 'pg';
import { sleepersOf } from './lateness/sleepers.ts';
import { inLanes } from './lib/in-lanes.ts';
import { describeMachine } from './lib/machine.ts';
import type { BenchOptions } from './lib/options.ts';
import { percentile } from './lib/percentile.ts';
import { type Figures, round, say } from './lib/report.ts';
import { type Rig, withRig } from './lib/rig.ts';
import { CONTENT, openDesk } from './lib/tasks.ts';
import { createBaseline, listBaseline, type Where } from './tasks/baseline.ts';
import { COMMON, RARE, type Seeded, seedTasks } from './tasks/seed.ts';

const TASKS = 100_000;
const CLIENTS = 10;
/** Rounds of each kind by each client; fewer for a small run. */
const roundsOf = (count: number) => Math.max(10, Math.min(60, Math.round(count / 1000)));
const WARM_UP = 5;

const JSON_BODY = { 'content-type': 'application/json' } as const;

interface Kind {
  readonly name: 'create' | 'list' | 'search' | 'submit';
  readonly api: () => Promise<unknown>;
  readonly baseline: () => Promise<unknown>;
}

/**
 * Creating, listing, searching and submitting at that many tasks by ten clients, against the same without the
 * product.
 */
export async function tasks(options: BenchOptions): Promise<Figures> {
  const count = options.n ?? TASKS;
  return await withRig({ ...options }, async (rig) => {
    const app = await rig.createApp('tasks');
    const desk = openDesk(rig.product.apiUrl, app);
    const audienceId = await desk.createAudience();
    const { rows } = await rig.pool.query<{ id: string }>(
      `select id from people where app_id = $1 and role = 'marketer'`,
      [app.id],
    );
    const seeded: Seeded = { appId: app.id, personId: rows[0]?.id ?? '', audienceId };
    say(`${count} tasks …`);
    await seedTasks(rig.pool, seeded, count);
    await rig.pool.query('checkpoint');
    const pool = new Pool({ connectionString: rig.stack.databaseUrl, max: CLIENTS });
    const connection = await Connection.connect({ address: rig.stack.env.TEMPORAL_ADDRESS });
    try {
      const temporal = new Client({ connection });
      const kinds = kindsOf(rig, app.keys.marketer, seeded, pool, temporal);
      const times = await measure(kinds, roundsOf(count));
      say(JSON.stringify(summaryOf(times)));
      const sleeping = await sleepersOf(rig, desk, audienceId, options.sleepers);
      return {
        tasks: count,
        clients: CLIENTS,
        requests: CLIENTS * roundsOf(count),
        ...summaryOf(times),
        ...sleeping,
        machine: await describeMachine(rig),
      };
    } finally {
      await connection.close();
      await pool.end();
    }
  });
}

function kindsOf(rig: Rig, key: string, seeded: Seeded, pool: Pool, temporal: Client): Kind[] {
  const { appId, audienceId } = seeded;
  const request = async (method: string, path: string, body?: object) => {
    const response = await fetch(`${rig.product.apiUrl}${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, ...(body === undefined ? {} : JSON_BODY) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text) as { id: string };
  };
  const task = {
    name: 'Benchmark',
    pushType: 'single',
    audience: { id: audienceId },
    content: CONTENT,
    pushAt: new Date(Date.now() + 86_400_000).toISOString(),
  };
  const pages = LISTS.map(
    ({ query, where }): Kind => ({
      name: query.startsWith('search') ? 'search' : 'list',
      api: () => request('GET', `/v1/tasks?limit=50&${query}`),
      baseline: () => listBaseline(pool, appId, where),
    }),
  );
  return [
    {
      name: 'create',
      api: () => request('POST', '/v1/tasks', task),
      baseline: () => createBaseline(pool, seeded),
    },
    ...pages,
    { name: 'submit', ...submitting(() => request('POST', '/v1/tasks', task), request, temporal) },
  ];
}

const found = (text: string): Where => ({
  sql: `(name_grams(t.name_folded) @> name_grams(fold_name($2)) and strpos(t.name_folded, fold_name($2)) > 0)`,
  values: [text],
});
const FOLDER = 'subgroup-0000000007';
const LISTS: readonly { query: string; where: Where }[] = [
  { query: '', where: { sql: 'true', values: [] } },
  {
    query: `status=completed&subgroup=${FOLDER}`,
    where: { sql: `t.status = 'completed' and t.subgroup_id = $2`, values: [FOLDER] },
  },
  { query: `search=${encodeURIComponent(RARE)}`, where: found(RARE) },
  { query: `search=${COMMON}`, where: found(COMMON) },
];

/**
 * The draft is made beforehand. A bare start is one request to Temporal, for a workflow that no worker runs.
 */
function submitting(
  create: () => Promise<{ id: string }>,
  request: (method: string, path: string) => Promise<unknown>,
  temporal: Client,
): Pick<Kind, 'api' | 'baseline'> {
  return {
    api: async () => {
      const { id } = await create();
      return () => request('POST', `/v1/tasks/${id}/submit`);
    },
    baseline: async () => () =>
      temporal.workflow.start('bare', {
        workflowId: `bare-${randomUUID()}`,
        taskQueue: 'nobody',
        args: [{}],
      }),
  };
}

type Times = Record<`${Kind['name']}${'Api' | 'Baseline'}`, number[]>;

/** Measures both sides in turns, so that a busy moment of the machine falls on both alike. */
async function measure(kinds: readonly Kind[], rounds: number): Promise<Times> {
  const times: Times = {
    createApi: [],
    createBaseline: [],
    listApi: [],
    listBaseline: [],
    searchApi: [],
    searchBaseline: [],
    submitApi: [],
    submitBaseline: [],
  };
  for (const kind of kinds) {
    say(`${kind.name} …`);
    const all = Array.from({ length: (rounds + WARM_UP) * CLIENTS }, (_, index) => index - WARM_UP * CLIENTS);
    await inLanes(CLIENTS, all, async (round) => {
      const side = (Math.floor(round / CLIENTS) + round) % 2 === 0 ? 'Api' : 'Baseline';
      for (const each of [side, side === 'Api' ? 'Baseline' : 'Api'] as const) {
        const ms = await timed(each === 'Api' ? kind.api : kind.baseline);
        if (round >= 0) times[`${kind.name}${each}`].push(ms);
      }
    });
  }
  return times;
}

/** Returns a duration in milliseconds. If the work returns a function, only that function is timed. */
async function timed(work: () => Promise<unknown>): Promise<number> {
  let before = performance.now();
  const prepared = await work();
  if (typeof prepared === 'function') {
    before = performance.now();
    await prepared();
  }
  return performance.now() - before;
}

function summaryOf(times: Times): Figures {
  const names = ['create', 'list', 'search', 'submit'] as const;
  const at = (name: keyof Times, share: number) => percentile(times[name], share);
  const each = (value: (name: (typeof names)[number]) => [string, number]) =>
    Object.fromEntries(names.map(value));
  return {
    ...each((name) => [`${name}Ratio`, round(at(`${name}Api`, 0.99) / at(`${name}Baseline`, 0.99))]),
    ...each((name) => [`${name}P99Ms`, round(at(`${name}Api`, 0.99))]),
    ...each((name) => [`${name}BaselineP99Ms`, round(at(`${name}Baseline`, 0.99))]),
    ...each((name) => [`${name}P50Ms`, round(at(`${name}Api`, 0.5))]),
    ...each((name) => [`${name}BaselineP50Ms`, round(at(`${name}Baseline`, 0.5))]),
  };
}
