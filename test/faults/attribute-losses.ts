import type { Ambiguous } from './audit.ts';
import type { Blow } from './chaos.ts';

export interface Blame {
  /** Unseen ones of each sender that was killed or frozen, in the order of the blows. */
  readonly perSender: { readonly blow: string; readonly unseen: number }[];
  /** Unseen ones that no killed or frozen sender explains, by the blow before and the reason. */
  readonly elsewhere: Readonly<Record<string, number>>;
}

/** Finds for each delivery that is ambiguous and was never seen whose death left it so. */
export function blame(ambiguous: readonly Ambiguous[], blows: readonly Blow[]): Blame {
  const senders = blows.filter(({ kind }) => kind === 'sender' || kind === 'freeze');
  const unseen = new Map<Blow, number>(senders.map((blow) => [blow, 0]));
  const elsewhere: Record<string, number> = {};
  for (const one of ambiguous.filter(({ wasSeen }) => !wasSeen)) {
    const blow = senders.findLast((each) => each.atMs < one.settledAtMs && mayHaveHeld(each, one));
    if (one.reason === 'sender_lost' && blow !== undefined) unseen.set(blow, (unseen.get(blow) ?? 0) + 1);
    else {
      const before = blows.findLast(({ atMs }) => atMs < one.settledAtMs);
      const name = `${one.reason} after ${before?.kind ?? 'nothing'}`;
      elsewhere[name] = (elsewhere[name] ?? 0) + 1;
    }
  }
  const perSender = senders.map((blow, index) => ({
    blow: `${index + 1} ${blow.kind} ${blow.victim}`,
    unseen: unseen.get(blow) ?? 0,
  }));
  return { perSender, elsewhere };
}

/** A sender that died beside the database may have held any lease. */
function mayHaveHeld({ held }: Blow, { pushNo, leaseNo }: Ambiguous): boolean {
  return held === undefined || held.some((lease) => lease.pushNo === pushNo && lease.leaseNo === leaseNo);
}
