import { afterAll, beforeAll, expect, test } from 'vitest';
import { canonicalTimeZone } from '../domain/time/time-zone.ts';
import { createLocal } from './setup/temporal-environment.ts';
import { createWorld, type World } from './world/world.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld(createLocal, {});
});
afterAll(() => world.close());

const HOURS = [
  ...Array.from({ length: 14 }, (_, n) => `UTC+${n + 1}`),
  ...Array.from({ length: 12 }, (_, n) => `UTC-${n + 1}`),
];

/** 14:00 of two days, in winter and in summer. */
const DATES = [
  { month: 'JANUARY', dayOfMonth: 15 },
  { month: 'JULY', dayOfMonth: 15 },
] as const;

async function timesOf(zone: string): Promise<string[]> {
  const handle = await world.env.client.schedule.create({
    scheduleId: `zone-${zone}`,
    spec: { calendars: DATES.map((date) => ({ ...date, hour: 14 })), timezone: zone },
    action: { type: 'startWorkflow', workflowType: 'none', taskQueue: 'none', args: [] },
    state: { paused: true },
  });
  const { info } = await handle.describe();
  await handle.delete();
  return info.nextActionTimes.map((at) => at.toLocaleString('sv', { timeZone: zone }).slice(5));
}

test('the server of Temporal takes every canonical zone, with the clock that Intl has for it', async () => {
  const given = [...Intl.supportedValuesOf('timeZone'), ...HOURS, 'EST5EDT', 'UTC', 'PRC'];
  const zones = [...new Set(given.flatMap((name) => canonicalTimeZone(name) ?? []))];
  expect(zones.length).toBeGreaterThan(400);
  const odd: string[] = [];
  while (zones.length > 0) {
    await Promise.all(
      zones.splice(0, 20).map(async (zone) => {
        const times = new Set(await timesOf(zone));
        if (!(times.size === 2 && times.has('01-15 14:00:00') && times.has('07-15 14:00:00'))) odd.push(zone);
      }),
    );
  }
  // The server comes with the zones' rules of its release, which lack the newest changes of a few countries.
  expect(odd.length, odd.join(' ')).toBeLessThan(10);
}, 120_000);
