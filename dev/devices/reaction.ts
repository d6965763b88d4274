import type { ReceiptKind } from '../../domain/receipts/receipt.ts';
import type { Random } from './random.ts';

/** An event that a device reports for a message. */
export interface Reaction {
  readonly kind: ReceiptKind;
  readonly eventId: string;
  readonly blocked: boolean;
  /** The times of the event and of its report, in milliseconds after the message arrived. */
  readonly atMs: number;
  readonly reportedMs: number;
}

const ANDROID = { online: 0.92, blocked: 0.05, impression: 0.8, open: 0.22, dismissal: 0.3, onlyOpen: 0.03 };
const IOS = { impression: 0.6, open: 0.25, dismissal: 0.03 };
const ANY = { moreTaps: 0.25, outOfOrder: 0.1, twice: 0.05 };
const STEP_MS = { min: 50, max: 700 };
const AGAIN_MS = 500;

/** The events of one device for one message. Some reports are lost, reordered or repeated, as in reality. */
export function reactionsOf(platform: 'ios' | 'android', random: Random): Reaction[] {
  const events = platform === 'ios' ? iosEvents(random) : androidEvents(random);
  let atMs = 0;
  const reactions = events.map(({ kind, blocked = false }) => {
    atMs += STEP_MS.min + random.below(STEP_MS.max - STEP_MS.min);
    return {
      kind,
      blocked,
      atMs,
      reportedMs: atMs,
      eventId: `${kind}-${random.below(2 ** 32).toString(36)}`,
    };
  });
  const sent = random.chance(ANY.outOfOrder) ? reversed(reactions) : reactions;
  const again = sent.filter(() => random.chance(ANY.twice));
  return [...sent, ...again.map((one) => ({ ...one, reportedMs: one.reportedMs + AGAIN_MS }))];
}

type Event = { readonly kind: ReceiptKind; readonly blocked?: boolean };

function androidEvents(random: Random): Event[] {
  if (!random.chance(ANDROID.online)) return [];
  if (random.chance(ANDROID.blocked)) return [{ kind: 'delivered', blocked: true }];
  if (random.chance(ANDROID.onlyOpen)) return taps(random);
  const seen: Event[] = [{ kind: 'delivered' }];
  if (!random.chance(ANDROID.impression)) return seen;
  seen.push({ kind: 'impression' });
  if (random.chance(ANDROID.open)) seen.push(...taps(random));
  else if (random.chance(ANDROID.dismissal)) seen.push({ kind: 'dismissal' });
  return seen;
}

function iosEvents(random: Random): Event[] {
  if (random.chance(IOS.dismissal)) return [{ kind: 'dismissal' }];
  if (!random.chance(IOS.impression)) return [];
  return [{ kind: 'impression' }, ...(random.chance(IOS.open) ? taps(random) : [])];
}

function taps(random: Random): Event[] {
  const count = random.chance(ANY.moreTaps) ? 2 + random.below(2) : 1;
  return Array.from({ length: count }, () => ({ kind: 'open' }));
}

function reversed(reactions: readonly Reaction[]): Reaction[] {
  const times = reactions.map((one) => one.reportedMs).toReversed();
  const last = reactions.at(-1)?.atMs ?? 0;
  // An event is reported after it happened.
  return reactions.map((one, i) => ({ ...one, reportedMs: last + (times[i] ?? 0) }));
}
