import type { Db } from '../../db/core/database.ts';
import { createEventNames } from '../../db/events/event-names.ts';
import { type Event, type EventResult, recordEvents } from '../../db/events/events.ts';
import { createGroupCommit } from '../http/group-commit.ts';
import { Problem } from '../http/problem.ts';
import type { ReadEvent } from './event-reader.ts';

type Results = Map<number, EventResult | 'too_many_names'>;

interface Report {
  readonly appId: string;
  readonly now: Date;
  readonly events: readonly ReadEvent[];
}

/** The limit of concurrent statements of one process. */
const MAX_STATEMENTS = 2;
const MAX_EVENTS_PER_STATEMENT = 5_000;
/** The limit of events that wait or are being written. Further reports are refused. */
const MAX_PENDING_EVENTS = 50_000;

/** The small reports of an app share a statement and its commit, which precedes their answers. */
export function createEventRecorder(db: Db): (report: Report) => Promise<Results> {
  const names = createEventNames(db);
  return createGroupCommit({
    concurrency: MAX_STATEMENTS,
    maxGroupSize: MAX_EVENTS_PER_STATEMENT,
    capacity: { maxSize: MAX_PENDING_EVENTS, refuse: tooMany },
    sizeOf: ({ events }) => events.length,
    keyOf: ({ appId }) => appId,
    write: (reports) => recordTogether(db, names, reports),
  });
}

async function recordTogether(
  db: Db,
  names: ReturnType<typeof createEventNames>,
  reports: readonly Report[],
): Promise<Results[]> {
  const [first] = reports;
  if (first === undefined) return [];
  const { appId, now } = first;
  const all = reports.flatMap(({ events }, place) => events.map((event) => ({ place, event })));
  const eventNames = all.map(({ event }) => event.name);
  const numbers = await names.numbersOf(appId, eventNames, now);
  const results: Results[] = reports.map(() => new Map());
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

function tooMany(): Problem {
  return new Problem('unavailable', 'Events arrive faster than they can be stored: try again later', {
    retryAfterSeconds: 2,
  });
}
