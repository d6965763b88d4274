import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { HashSet, hash64 } from '../simulators/hash.ts';
import type { LoggedRequest } from '../simulators/request-log.ts';
import { Agenda } from './agenda.ts';
import { LogTail } from './log-tail.ts';
import { createRandom } from './random.ts';
import { type Reaction, reactionsOf } from './reaction.ts';
import { type DeviceStory, ReceiptBook, type ReceiptFigures } from './receipt-book.ts';
import { type Answers, type OutgoingReceipt, ReceiptSender } from './receipt-sender.ts';

export interface DeviceSimulatorOptions {
  readonly apiUrl: string;
  readonly sdkKey: string;
  /** Of the push services: says which message reached which device. */
  readonly logFile: string;
  /** Has the push services write out what they hold of their log. */
  readonly flushLog: () => Promise<unknown>;
  readonly seed: number;
  /** Whether a device with this token is one of these; all are when left out. */
  readonly concerns?: (token: string) => boolean;
  /** Hears of each request for one of them, once it has ended. */
  readonly onRequest?: (request: LoggedRequest) => void;
}

const POLL_MS = 100;
/** One in so many messages brings forth a receipt that was forged, or that is none. */
const EVERY = { forged: 150, broken: 400 };
const KEPT_FOR_LATE = 200;

type Due = { readonly story: DeviceStory; readonly reaction: Reaction; readonly cameAt: number } | Intruder;
type Intruder = { readonly intruder: OutgoingReceipt };

/** Every device of the app, or some, at once: takes what the push services delivered and reports what became of it. */
export class DeviceSimulator {
  readonly #options: DeviceSimulatorOptions;
  readonly #tail: LogTail;
  readonly #sender: ReceiptSender;
  readonly #book = new ReceiptBook();
  readonly #agenda = new Agenda<Due>();
  readonly #known = new HashSet();
  readonly #kept: DeviceStory[] = [];
  #reportUntil = Number.POSITIVE_INFINITY;
  #isStopped = false;
  #isIdle = false;
  #rounds = 0;
  #running: Promise<void> = Promise.resolve();

  private constructor(options: DeviceSimulatorOptions, tail: LogTail) {
    this.#options = options;
    this.#tail = tail;
    this.#sender = new ReceiptSender(options.apiUrl, options.sdkKey);
  }

  static async start(options: DeviceSimulatorOptions): Promise<DeviceSimulator> {
    const devices = new DeviceSimulator(options, await LogTail.open(options.logFile));
    devices.#running = devices.#run();
    // Heard of by whoever stops it; until then nobody listens.
    devices.#running.catch(() => undefined);
    return devices;
  }

  /** What the engine has to count of what was posted so far. */
  get figures(): ReceiptFigures {
    return this.#book.figures;
  }

  get answers(): { readonly expected: Answers; readonly actual: Answers } {
    return this.#sender.answers;
  }

  /** Resolves once everything that was delivered before the call is reported, or may not be any more. */
  async settled(): Promise<void> {
    const from = this.#rounds;
    while (!this.#isIdle || this.#rounds < from + 2) await this.#turn();
  }

  /** Resolves once every request that ended before the call is heard of. */
  async caughtUp(): Promise<void> {
    for (const from = this.#rounds; this.#rounds < from + 2; ) await this.#turn();
  }

  async #turn(): Promise<void> {
    await Promise.race([sleep(POLL_MS), this.#running]);
  }

  /** From this moment of the epoch on nothing more is reported. */
  reportUntil(epochMs: number): void {
    this.#reportUntil = epochMs;
  }

  /** Reports taps of some messages as though the devices had been offline till now. */
  async reportLate(count: number): Promise<void> {
    const at = new Date().toISOString();
    const receipts = this.#kept.slice(0, count).map(({ messageId }, n) => ({
      receipt: { messageId, kind: 'open', eventId: `late-${n}`, at },
      expected: 'late' as const,
    }));
    await this.#sender.send(receipts);
  }

  /** Rejects with what went wrong, if anything did. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    try {
      await this.#running;
    } finally {
      await this.#tail.close();
    }
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      await this.#options.flushLog();
      const isAtEnd = await this.#readLog();
      await this.#report();
      this.#isIdle = isAtEnd && this.#agenda.size === 0;
      this.#rounds++;
      await sleep(POLL_MS);
    }
  }

  /** Whether nothing was new. */
  async #readLog(): Promise<boolean> {
    let isAtEnd = true;
    for (let requests = await this.#tail.read(); requests.length > 0; requests = await this.#tail.read()) {
      isAtEnd = false;
      for (const request of requests) this.#hear(request);
      await this.#report();
    }
    return isAtEnd;
  }

  #hear(request: LoggedRequest): void {
    const { concerns, onRequest } = this.#options;
    if (concerns?.(request.token) === false) return;
    onRequest?.(request);
    if (request.processed) this.#receive(request);
  }

  /** A message that comes twice is shown once. */
  #receive({ channel, token, messageId, at }: LoggedRequest): void {
    if (!this.#known.add(messageId)) return;
    const platform = channel === 'apns' ? 'ios' : 'android';
    const story: DeviceStory = { messageId, platform, told: new Set() };
    if (this.#kept.length < KEPT_FOR_LATE) this.#kept.push(story);
    const random = createRandom(hash64(token).low ^ this.#options.seed);
    for (const reaction of reactionsOf(platform, random)) {
      this.#agenda.add(at + reaction.reportedMs, { story, reaction, cameAt: at });
    }
    if (this.#known.size % EVERY.forged === 1) this.#agenda.add(at, { intruder: forged(messageId) });
    if (this.#known.size % EVERY.broken === 1) this.#agenda.add(at, { intruder: broken(messageId) });
  }

  async #report(): Promise<void> {
    const now = Date.now();
    if (now >= this.#reportUntil) return this.#agenda.clear();
    await this.#sender.send(this.#agenda.take(now).map((due) => this.#outgoing(due)));
  }

  #outgoing(due: Due): OutgoingReceipt {
    if ('intruder' in due) return due.intruder;
    const { kind, eventId, blocked, atMs } = due.reaction;
    const at = new Date(due.cameAt + atMs).toISOString();
    return {
      receipt: { messageId: due.story.messageId, kind, eventId, blocked, at },
      expected: this.#book.enter(due.story, due.reaction),
    };
  }
}

/** A message ID with another MAC than ours. */
function forged(messageId: string): OutgoingReceipt {
  const bytes = Buffer.from(messageId, 'base64url');
  randomBytes(16).copy(bytes, bytes.length - 16);
  const receipt = { messageId: bytes.toString('base64url'), kind: 'open', eventId: 'forged', at: now() };
  return { receipt, expected: 'unknown' };
}

function broken(messageId: string): OutgoingReceipt {
  return { receipt: { messageId, kind: 'swiped', eventId: 'broken', at: now() }, expected: 'error' };
}

function now(): string {
  return new Date().toISOString();
}
