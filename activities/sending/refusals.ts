import type { Channel } from '../../domain/platform.ts';
import type { Outcome } from '../../domain/pushes/outcome.ts';
import { credentialRefused, tooManyRefused } from '../../domain/pushes/reasons.ts';
import { createPerPush } from './per-push.ts';

export type Refused = Extract<Outcome, { kind: 'refused' }>;

/** A refused message. Later answers of its channel tell whether its device is at fault. */
export interface Refusal {
  readonly channel: Channel;
  readonly outcome: Refused;
  /** When the answer came, on the monotonic clock. */
  readonly at: number;
  /** How many messages of the channel were accepted before. */
  readonly acceptedBefore: number;
}

/**
 * The refusals of a push, over all its leases in this process. A message that is written after a refusal and
 * accepted proves the request and the credential right, so that the refused device is at fault.
 */
export interface Refusals {
  accepted(channel: Channel, startedAt: number): void;
  refused(channel: Channel, outcome: Refused, at: number): Refusal;
  /** Whether the device is at fault. */
  isOfDevice(refusal: Refusal): boolean;
  /** Called when a lease has nothing left but refusals. Without a halt after it their devices are at fault. */
  conclude(channel: Channel): void;
  /** Forgets refusals whose deliveries were put back, or whose devices are at fault (`settled`). */
  withdraw(refusals: ReadonlySet<Refusal>, settled?: 'settled'): void;
  /** Why the push pauses: the request or the credential is at fault. */
  readonly halt: string | undefined;
}

/**
 * How many unproven refusals pause a push. They must also outnumber the messages that were accepted since the
 * first of them, because the answers to requests under way come in between.
 */
const MANY = {
  /** Answers that name the credential. */
  credential: 20,
  /** Answers that speak of one message. Twenty bad tokens in a row may come from one file. */
  message: 100,
  /** The same after a person has seen the push pause for them, so that a resume gets beyond bad tokens. */
  trusted: 2000,
};

/** How many refusals pause a push whose lease can learn no more. */
const MANY_AT_LAST = {
  credential: 3,
  message: 3,
  /** Answers that speak of one message, in a push whose other channel works. */
  messageOfMixed: 20,
};

interface Evidence {
  accepted: number;
  /** When the latest accepted message was written. */
  provenAt: number;
  /** Refusals that no accepted message has followed, by the time of their answers. */
  open: Refusal[];
  /** Refusals of leases that ended before anything was accepted. Many small leases are judged as one. */
  concluded: number;
}

interface PushEvidence {
  readonly channels: Map<Channel, Evidence>;
  /** The epoch that the refusals and the halt belong to. */
  epoch: number;
  halt: string | undefined;
}

interface RefusalsOf {
  readonly pushNo: number;
  readonly epoch: number;
  /** A person has seen the push pause for refused messages, and resumed it. */
  readonly isTrusted: boolean;
}

export function createRefusals(): (lease: RefusalsOf) => Refusals {
  const evidenceOf = createPerPush<PushEvidence>(() => ({ channels: new Map(), epoch: 0, halt: undefined }));
  return ({ pushNo, epoch, isTrusted }) => {
    const push = evidenceOf(String(pushNo));
    if (epoch > push.epoch) beginEpoch(push, epoch);
    const of = (channel: Channel) => evidenceOn(push, channel);
    return {
      accepted(channel, startedAt) {
        const evidence = of(channel);
        evidence.accepted++;
        evidence.concluded = 0;
        if (startedAt > evidence.provenAt) evidence.provenAt = startedAt;
        while (evidence.open[0] !== undefined && evidence.open[0].at < startedAt) evidence.open.shift();
      },
      refused(channel, outcome, at) {
        const evidence = of(channel);
        const refusal = { channel, outcome, at, acceptedBefore: evidence.accepted };
        evidence.open.push(refusal);
        if (isEverybody(evidence, isTrusted)) push.halt ??= reasonOf(evidence);
        return refusal;
      },
      isOfDevice: ({ channel, at }) => at < of(channel).provenAt,
      conclude(channel) {
        const evidence = of(channel);
        if (isEverybodyAtLast(evidence, acceptedOf(push))) push.halt ??= reasonOf(evidence);
      },
      withdraw(refusals, settled) {
        for (const evidence of push.channels.values()) {
          const kept = evidence.open.filter((refusal) => !refusals.has(refusal));
          if (settled !== undefined) evidence.concluded += evidence.open.length - kept.length;
          evidence.open = kept;
        }
      },
      get halt() {
        return push.halt;
      },
    };
  };
}

/** A push that was resumed is judged by new answers. What was accepted before stays known. */
function beginEpoch(push: PushEvidence, epoch: number): void {
  push.epoch = epoch;
  push.halt = undefined;
  for (const evidence of push.channels.values()) {
    evidence.open = [];
    evidence.concluded = 0;
  }
}

function evidenceOn({ channels }: PushEvidence, channel: Channel): Evidence {
  const known = channels.get(channel);
  if (known !== undefined) return known;
  const made = { accepted: 0, provenAt: Number.NEGATIVE_INFINITY, open: [], concluded: 0 };
  channels.set(channel, made);
  return made;
}

function acceptedOf({ channels }: PushEvidence): number {
  return [...channels.values()].reduce((all, { accepted }) => all + accepted, 0);
}

/** Whether the first answers, or all answers for a while, say that the request or the credential is wrong. */
function isEverybody(evidence: Evidence, isTrusted: boolean): boolean {
  const { open } = evidence;
  const since = acceptedSince(evidence);
  const naming = open.filter(namesCredential).length;
  if (naming >= MANY.credential && naming > since) return true;
  return open.length >= (isTrusted ? MANY.trusted : MANY.message) && open.length > since;
}

function isEverybodyAtLast(evidence: Evidence, acceptedOfPush: number): boolean {
  const { open, accepted, concluded } = evidence;
  const naming = open.filter(namesCredential).length;
  if (naming > 0 && accepted === 0) return true;
  if (naming >= MANY_AT_LAST.credential && naming > acceptedSince(evidence)) return true;
  const least = acceptedOfPush === 0 ? MANY_AT_LAST.message : MANY_AT_LAST.messageOfMixed;
  return accepted === 0 && open.length + concluded >= least;
}

function acceptedSince({ accepted, open }: Evidence): number {
  return open[0] === undefined ? accepted : accepted - open[0].acceptedBefore;
}

function namesCredential({ outcome }: Refusal): boolean {
  return outcome.fault === 'credential';
}

/** The reason of most refusals, which the remedy is for. */
function reasonOf({ open }: Evidence): string | undefined {
  const naming = open.filter(namesCredential);
  const isOfCredential = naming.length * 2 >= open.length;
  const first = isOfCredential ? naming[0] : open.find((refusal) => !namesCredential(refusal));
  if (first === undefined) return undefined;
  return isOfCredential ? credentialRefused(first.outcome.reason) : tooManyRefused(first.outcome.reason);
}
