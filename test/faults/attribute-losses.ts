import type { Ambiguous } from './audit.ts';
import type { Fault } from './fault-injector.ts';

export interface Attribution {
  /** Unseen deliveries of each sender that was killed or frozen, in the order of the faults. */
  readonly perSender: { readonly fault: string; readonly unseen: number }[];
  /** Unseen deliveries that no killed or frozen sender explains, by the preceding fault and the reason. */
  readonly elsewhere: Readonly<Record<string, number>>;
}

/** Attributes each ambiguous delivery that no push service saw to the sender whose death left it so. */
export function attributeLosses(ambiguous: readonly Ambiguous[], faults: readonly Fault[]): Attribution {
  const senders = faults.filter(({ kind }) => kind === 'sender' || kind === 'freeze');
  const unseen = new Map<Fault, number>(senders.map((fault) => [fault, 0]));
  const elsewhere: Record<string, number> = {};
  for (const one of ambiguous.filter(({ wasSeen }) => !wasSeen)) {
    const fault = senders.findLast((each) => each.atMs < one.settledAtMs && mayHaveHeld(each, one));
    if (one.reason === 'sender_died' && fault !== undefined) unseen.set(fault, (unseen.get(fault) ?? 0) + 1);
    else {
      const before = faults.findLast(({ atMs }) => atMs < one.settledAtMs);
      const name = `${one.reason} after ${before?.kind ?? 'nothing'}`;
      elsewhere[name] = (elsewhere[name] ?? 0) + 1;
    }
  }
  const perSender = senders.map((fault, index) => ({
    fault: `${index + 1} ${fault.kind} ${fault.target}`,
    unseen: unseen.get(fault) ?? 0,
  }));
  return { perSender, elsewhere };
}

/** A sender that died beside the database may have held any lease. */
function mayHaveHeld({ held }: Fault, { pushNo, leaseNo }: Ambiguous): boolean {
  return held === undefined || held.some((lease) => lease.pushNo === pushNo && lease.leaseNo === leaseNo);
}
