import fc from 'fast-check';
import { expect, test } from 'vitest';
import { useTestDatabase } from '../../test/setup/database.ts';
import { putRate, takeTokens } from './rates.ts';

const database = useTestDatabase();
const start = Date.parse('2026-11-22T10:00:00Z');
const at = (ms: number) => new Date(start + ms);

test('without a rate everything that was asked for is granted at once', async () => {
  const rates = [{ key: 'nothing', share: 1, owed: 0 }];
  const grant = await takeTokens(database.db, { rates, wish: 500, now: at(0) });
  expect(grant).toEqual({ count: 500, waitMs: 0, tokens: new Map() });
});

/** What a taker does between a grant that it used and asking for the next. */
const TURN_MS = 1;
/** Takers that ask so close to each other ask at once. */
const AT_ONCE_MS = 5;

/** Takers that ask, wait as told, use what they got, and ask again; returns when each was used. */
async function run(
  key: string,
  takers: number,
  forMs: number,
  shareOf: (n: number) => number,
): Promise<number[]> {
  const used: number[] = [];
  const clocks = Array.from({ length: takers }, () => ({ ms: 0, owed: 0, n: 0 }));
  async function turn(taker: (typeof clocks)[number]): Promise<void> {
    const rates = [{ key, share: 0.5, owed: taker.owed }];
    const grant = await takeTokens(database.db, { rates, wish: 100, now: at(taker.ms) });
    const usedAt = taker.ms + grant.waitMs;
    let actual = 0;
    for (let i = 0; i < grant.count; i++) if (shareOf(taker.n++) === 1) actual++;
    taker.owed += actual - (grant.tokens.get(key) ?? 0);
    for (let i = 0; i < actual; i++) used.push(usedAt);
    taker.ms = usedAt + TURN_MS;
  }
  for (;;) {
    const first = Math.min(...clocks.map(({ ms }) => ms));
    if (first > forMs) return used;
    await Promise.all(clocks.filter(({ ms }) => ms <= first + AT_ONCE_MS).map(turn));
  }
}

test('takers that ask at once use a rate up and keep to it, within 5 % over any 10 seconds, whatever their shares really are', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 20, max: 5000 }),
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 5 }),
      async (perSecond, takers, every) => {
        const key = `rate ${perSecond} ${takers} ${every} ${Math.random()}`;
        await putRate(database.db, { key, perSecond, now: at(0) });
        const used = await run(key, takers, 13_000, (n) => (n % every === 0 ? 1 : 0));
        for (const from of [500, 1500, 2500]) {
          const count = used.filter((ms) => ms >= from && ms < from + 10_000).length;
          expect(count).toBeLessThanOrEqual(perSecond * 10 * 1.05 + takers);
          expect(count).toBeGreaterThanOrEqual(perSecond * 10 * 0.95 - takers);
        }
      },
    ),
    { numRuns: 8 },
  );
});

test('a rate that is changed holds for the next grant', async () => {
  const rates = [{ key: 'changed', share: 1, owed: 0 }];
  await putRate(database.db, { key: 'changed', perSecond: 10, now: at(0) });
  await takeTokens(database.db, { rates, wish: 100, now: at(0) });
  expect((await takeTokens(database.db, { rates, wish: 100, now: at(0) })).waitMs).toBe(100);
  await putRate(database.db, { key: 'changed', perSecond: 1000, now: at(0) });
  expect(await takeTokens(database.db, { rates, wish: 100, now: at(0) })).toMatchObject({
    count: 50,
    waitMs: 0,
  });
  await putRate(database.db, { key: 'changed', perSecond: null, now: at(0) });
  expect((await takeTokens(database.db, { rates, wish: 100, now: at(0) })).count).toBe(100);
});
