import type { z } from 'zod';
import type { EventResult } from '../../db/events/events.ts';
import { DAY_MS } from '../../domain/duration.ts';
import { EVENTS_KEPT_DAYS, EventInput } from '../../domain/events/event.ts';
import { correctedTime, type Times } from '../../domain/receipts/receipt-reader.ts';

export interface ReadEvent {
  readonly index: number;
  readonly id: string;
  readonly name: string;
  readonly at: Date;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly of: { readonly userId: string } | { readonly deviceId: string };
}
export type EventAnswer =
  | { index: number; result: 'counted' | 'duplicate' }
  | { index: number; error: string };

const KEPT_MS = EVENTS_KEPT_DAYS * DAY_MS;

/** Returns the storable events and the answers to the others. `deviceId` is set when a device reports. */
export function readEvents(
  items: readonly unknown[],
  { deviceId, times }: { deviceId: string | undefined; times: Times },
): { events: ReadEvent[]; answers: Map<number, EventAnswer> } {
  const events: ReadEvent[] = [];
  const answers = new Map<number, EventAnswer>();
  items.forEach((item, index) => {
    const read = readEvent(item, deviceId, times);
    if (typeof read === 'string') answers.set(index, { index, error: read });
    else events.push({ ...read, index });
  });
  return { events, answers };
}

function readEvent(
  item: unknown,
  deviceId: string | undefined,
  times: Times,
): Omit<ReadEvent, 'index'> | string {
  const parsed = EventInput.safeParse(item);
  if (!parsed.success) return faultText(parsed.error);
  const { id, name, properties = {}, ...said } = parsed.data;
  const of = ownerOf(said, deviceId);
  if (typeof of === 'string') return of;
  const at = new Date(correctedTime(Date.parse(said.at), times));
  if (at.getTime() < times.now.getTime() - KEPT_MS) return `at: is more than ${EVENTS_KEPT_DAYS} days ago`;
  return { id, name, at, properties, of };
}

/** Devices report their own events only, because an SDK key is public and proves no user. */
function ownerOf(
  said: Pick<EventInput, 'userId' | 'deviceId'>,
  deviceId: string | undefined,
): ReadEvent['of'] | string {
  if (deviceId !== undefined) {
    if (said.userId !== undefined)
      return "userId: is not allowed with an SDK key; report events of users with a person's key";
    if (said.deviceId !== undefined && said.deviceId !== deviceId)
      return 'deviceId: must be the device that reports';
    return { deviceId };
  }
  if (said.userId !== undefined && said.deviceId !== undefined)
    return 'userId: must not be given together with deviceId';
  if (said.userId !== undefined) return { userId: said.userId };
  return said.deviceId === undefined
    ? 'userId: is missing; give userId or deviceId'
    : { deviceId: said.deviceId };
}

export function answerOf(index: number, result: EventResult): EventAnswer {
  return result === 'unknown_device'
    ? { index, error: 'deviceId: there is no such device' }
    : { index, result };
}

function faultText(error: z.ZodError): string {
  const faults = error.issues.map((issue) => `${issue.path.join('.') || 'event'}: ${issue.message}`);
  return faults.slice(0, 3).join('; ').slice(0, 300);
}
