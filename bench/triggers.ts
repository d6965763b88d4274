import { setTimeout as sleep } from 'node:timers/promises';
import { insertDevices } from './lib/devices.ts';
import { describeMachine } from './lib/machine.ts';
import { cpuMs, difference } from './lib/meter.ts';
import type { BenchOptions } from './lib/options.ts';
import { percentile } from './lib/percentile.ts';
import { type Figures, round, say } from './lib/report.ts';
import { type Rig, withRig } from './lib/rig.ts';
import { openDesk } from './lib/tasks.ts';

const EVENTS_PER_S = 1_000;
const SECONDS = 60;
const BATCH = 100;
const CAP = { max: 5, window: { kind: 'rolling', hours: 24 } };
const LIMIT_MS = 240_000;

/** Sends events of a trigger task at a fixed rate, not paced by the answers, until each user was sent to. */
export async function triggers(options: BenchOptions): Promise<Figures> {
  const perS = options.n ?? EVENTS_PER_S;
  const users = options.devices ?? perS * SECONDS;
  return await withRig(options, async (rig) => {
    const app = await rig.createApp('triggers');
    await insertDevices(rig.pool, {
      appId: app.id,
      count: users,
      platforms: options.platform,
      salt: 'triggers',
    });
    await rig.pool.query(`update devices set user_id = 'user-' || right(device_id, 8) where app_id = $1`, [
      app.id,
    ]);
    await rig.pool.query('vacuum analyze devices');
    // With a cap each batch also reads and writes the contact log.
    await send(rig, 'PUT', '/v1/app/contact-rules', { caps: [CAP] }, app.keys.operator);
    const desk = openDesk(rig.product.apiUrl, app);
    const trigger = { event: 'cart left', filter: { cart: 'full' } };
    const more = { pushType: 'trigger', trigger };
    const taskId = await desk.submitTask(await desk.createAudience(), undefined, more);
    await desk.approve(taskId);
    await until(rig, 'select count(*)::int as n from triggers where task_id = $1', taskId, 1);
    say(`${users} events, ${perS} a second …`);
    const before = cpuMs(rig);
    const posted = await offer(rig, app.keys.marketer, { users, perS });
    const sentAll = await until(rig, SENT, taskId, users);
    const cpu = difference(cpuMs(rig), before);
    const { rows } = await rig.pool.query<Delays>(DELAYS, [taskId]);
    const [delays] = rows;
    return {
      events: users,
      offeredPerS: perS,
      acceptedPerS: round(users / posted.seconds, 0),
      eventP99Ms: round(percentile(posted.ms, 0.99)),
      sent: delays?.sent ?? 0,
      pushes: delays?.pushes ?? 0,
      sentOfAll: sentAll,
      sentPerS: round((delays?.sent ?? 0) / ((delays?.last ?? 0) + posted.seconds), 0),
      afterTheLastEventS: round(delays?.last ?? 0),
      eventToSentP50S: round(delays?.p50 ?? 0),
      eventToSentP99S: round(delays?.p99 ?? 0),
      cpuMsPerEvent: Object.fromEntries(
        Object.entries(cpu).map(([part, ms]) => [part, round(ms / users, 3)]),
      ),
      machine: await describeMachine(rig),
    };
  });
}

const SENT = `select count(*)::int as n from deliveries d join pushes p on p.no = d.push_no
  where p.task_id = $1 and d.settled_at is not null`;

interface Delays {
  readonly sent: number;
  readonly pushes: number;
  readonly p50: number;
  readonly p99: number;
  readonly last: number;
}

/** The delays, in seconds. */
const DELAYS = `
  with done as (
    select d.push_no, e.event_at, d.settled_at, extract(epoch from d.settled_at - e.event_at)::float8 as delay
    from deliveries d join pushes p on p.no = d.push_no join devices v on v.no = d.device_no
      join trigger_entries e on e.task_id = p.task_id and e.user_id = v.user_id
    where p.task_id = $1 and d.settled_at is not null
  )
  select count(*)::int as sent, count(distinct push_no)::int as pushes,
    percentile_cont(0.5) within group (order by delay) as p50, percentile_cont(0.99) within group (order by delay) as p99,
    greatest(0, extract(epoch from max(settled_at) - max(event_at)))::float8 as last
  from done`;

async function offer(rig: Rig, key: string, { users, perS }: { users: number; perS: number }) {
  const startedAt = performance.now();
  const ms: number[] = [];
  const requests: Promise<void>[] = [];
  for (let from = 0; from < users; from += BATCH) {
    await sleep(Math.max(0, startedAt + (from / perS) * 1000 - performance.now()));
    const at = new Date().toISOString();
    const events = Array.from({ length: Math.min(BATCH, users - from) }, (_, n) => ({
      id: `event-${from + n}`,
      name: 'cart left',
      at,
      properties: { cart: 'full', items: 3 },
      userId: `user-${String(from + n + 1).padStart(8, '0')}`,
    }));
    const sentAt = performance.now();
    requests.push(
      send(rig, 'POST', '/v1/events', { events }, key).then(() => {
        ms.push(performance.now() - sentAt);
      }),
    );
  }
  await Promise.all(requests);
  return { seconds: (performance.now() - startedAt) / 1000, ms };
}

async function send(rig: Rig, method: string, path: string, body: object, key: string): Promise<void> {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const response = await fetch(`${rig.product.apiUrl}${path}`, {
    method,
    headers,
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 300)}`);
}

/** Polls until the number is reached or the limit has passed. Returns the last number. */
async function until(rig: Rig, query: string, taskId: string, wanted: number): Promise<number> {
  const deadline = performance.now() + LIMIT_MS;
  for (;;) {
    const { rows } = await rig.pool.query<{ n: number }>(query, [taskId]);
    const n = rows[0]?.n ?? 0;
    if (n >= wanted || performance.now() > deadline) return n;
    await sleep(500);
  }
}
