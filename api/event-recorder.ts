import type { Db } from '../db/database.ts';
import { createEventNames } from '../db/event-names.ts';
import { type Event, type EventResult, recordEvents } from '../db/events.ts';
import type { ReadEvent } from './event-reader.ts';
import { Problem } from './problem.ts';

type Results = Map<number, EventResult | 'too_many_names'>;

interface Report {
  readonly appId: string;
  readonly now: Date;
  readonly events: readonly ReadEvent[];
}
interface Waiting extends Report {
  readonly resolve: (results: Results) => void;
  readonly reject: (error: unknown) => void;
}

/** Statements at a time; what arrives meanwhile goes together into the next one. */
const LANES = 2;
const MAX_TOGETHER = 5_000;
/** Events that wait for a statement: what comes beyond is told to come again. */
const MAX_WAITING = 50_000;

/** Small reports share a statement and its commit; none is answered before. */
export function createEventRecorder(db: Db): (report: Report) => Promise<Results> {
  const names = createEventNames(db);
  const waiting: Waiting[] = [];
  let size = 0;
  let busy = 0;
  const drain = async () => {
    busy += 1;
    for (let group = takeGroup(waiting); group.length > 0; group = takeGroup(waiting)) {
      await recordTogether(group);
      size -= sizeOf(group);
    }
    busy -= 1;
  };
  async function recordTogether(group: readonly Waiting[]): Promise<void> {
    try {
      const results = await record(group);
      for (const [place, one] of group.entries()) one.resolve(results[place] ?? new Map());
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  }
  async function record(group: readonly Waiting[]): Promise<Results[]> {
    const [first] = group;
    if (first === undefined) return [];
    const { appId, now } = first;
    const all = group.flatMap(({ events }, place) => events.map((event) => ({ place, event })));
    const numbers = await names.numbersOf(
      appId,
      all.map(({ event }) => event.name),
      now,
    );
    const results: Results[] = group.map(() => new Map());
    const events: Event[] = [];
    for (const [index, { place, event }] of all.entries()) {
      const nameNo = numbers.get(event.name);
      if (nameNo === undefined) results[place]?.set(event.index, 'too_many_names');
      else events.push({ ...event, index, nameNo });
    }
    for (const [index, result] of await recordEvents(db, { appId, now, events })) {
      const known = all[index];
      if (known !== undefined) results[known.place]?.set(known.event.index, result);
    }
    return results;
  }
  return (report) => {
    if (size + report.events.length > MAX_WAITING) {
      throw new Problem('unavailable', 'More events arrive than can be stored; try again', {
        retryAfterSeconds: 2,
      });
    }
    size += report.events.length;
    const { promise, resolve, reject } = Promise.withResolvers<Results>();
    waiting.push({ ...report, resolve, reject });
    if (busy < LANES) void drain();
    return promise;
  };
}

/** The reports of one app that go into one statement; at least one, however large. */
function takeGroup(waiting: Waiting[]): Waiting[] {
  const [first] = waiting;
  if (first === undefined) return [];
  const group: Waiting[] = [];
  const rest: Waiting[] = [];
  for (const one of waiting.splice(0)) {
    const fits = one.appId === first.appId && sizeOf(group) + one.events.length <= MAX_TOGETHER;
    (group.length === 0 || fits ? group : rest).push(one);
  }
  waiting.push(...rest);
  return group;
}

function sizeOf(group: readonly Report[]): number {
  return group.reduce((sum, { events }) => sum + events.length, 0);
}
