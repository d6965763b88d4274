import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { HashSet, hash64 } from '../simulators/hash.ts';
import type { LoggedRequest } from '../simulators/request-log.ts';
import { Agenda } from './agenda.ts';
import { LogTail } from './log-tail.ts';
import { createRandom } from './random.ts';
import { type Reaction, reactionsOf } from './reaction.ts';
import { type DeviceReceipts, ReceiptCounter, type ReceiptFigures } from './receipt-counter.ts';
import { type Answers, type OutgoingReceipt, ReceiptSender } from './receipt-sender.ts';

export interface DeviceSimulatorOptions {
  readonly apiUrl: string;
  readonly sdkKey: string;
  /** The request log of the push services, which names the device of each message. */
  readonly logFile: string;
  /** Makes the push services write buffered lines to their log. */
  readonly flushLog: () => Promise<unknown>;
  readonly seed: number;
  /** Whether the simulator stands for the device with this token. */
  readonly concerns: (token: string) => boolean;
}

const POLL_MS = 100;
/** The number of messages per forged receipt, and per malformed one. */
const EVERY = { forged: 150, malformed: 400 };
const KEPT_FOR_LATE = 200;

type Due =
  | { readonly receipts: DeviceReceipts; readonly reaction: Reaction; readonly arrivedAt: number }
  | InvalidReceipt;
type InvalidReceipt = { readonly invalid: OutgoingReceipt };

/**
 * Simulates many devices at once: reads the deliveries from the log of the push services and posts receipts.
 */
export class DeviceSimulator {
  readonly #options: DeviceSimulatorOptions;
  readonly #tail: LogTail;
  readonly #sender: ReceiptSender;
  readonly #counter = new ReceiptCounter();
  readonly #agenda = new Agenda<Due>();
  readonly #known = new HashSet();
  readonly #kept: DeviceReceipts[] = [];
  /** The start times of the requests, in milliseconds since the epoch. */
  readonly #starts: number[] = [];
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
    // The error is rethrown by stop(); until then it must not count as unhandled.
    devices.#running.catch(() => undefined);
    return devices;
  }

  /** The figures that the engine has to count from the receipts posted so far. */
  get figures(): ReceiptFigures {
    return this.#counter.figures;
  }

  get answers(): { readonly expected: Answers; readonly actual: Answers } {
    return this.#sender.answers;
  }

  /** Resolves once every delivery before the call is reported, or its time to report is over. */
  async settled(): Promise<void> {
    const from = this.#rounds;
    while (!this.#isIdle || this.#rounds < from + 2) await this.#turn();
  }

  /** How many requests for these devices started after a moment of the epoch and have ended. */
  async requestsSince(epochMs: number): Promise<number> {
    for (const from = this.#rounds; this.#rounds < from + 2; ) await this.#turn();
    return this.#starts.filter((at) => at > epochMs).length;
  }

  async #turn(): Promise<void> {
    await Promise.race([sleep(POLL_MS), this.#running]);
  }

  /** Stops reports from this moment on, in milliseconds since the epoch. */
  reportUntil(epochMs: number): void {
    this.#reportUntil = epochMs;
  }

  /** Reports taps of some messages, like devices that were offline until now. */
  async reportLate(count: number): Promise<void> {
    const at = new Date().toISOString();
    const receipts = this.#kept.slice(0, count).map(({ messageId }, n) => ({
      receipt: { messageId, kind: 'open', eventId: `late-${n}`, at },
      expected: 'late' as const,
    }));
    await this.#sender.send(receipts);
  }

  /** Rejects with the first error, if there was one. */
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

  /** Whether the log had no new lines. */
  async #readLog(): Promise<boolean> {
    let isAtEnd = true;
    for (let requests = await this.#tail.read(); requests.length > 0; requests = await this.#tail.read()) {
      isAtEnd = false;
      for (const request of requests) this.#handle(request);
      await this.#report();
    }
    return isAtEnd;
  }

  #handle(request: LoggedRequest): void {
    if (!this.#options.concerns(request.token)) return;
    this.#starts.push(request.at);
    if (request.processed) this.#receive(request);
  }

  /** A message that arrives twice is shown once. */
  #receive({ channel, token, messageId, at }: LoggedRequest): void {
    if (!this.#known.add(messageId)) return;
    const platform = channel === 'apns' ? 'ios' : 'android';
    const receipts: DeviceReceipts = { messageId, platform, reported: new Set() };
    if (this.#kept.length < KEPT_FOR_LATE) this.#kept.push(receipts);
    const random = createRandom(hash64(token).low ^ this.#options.seed);
    for (const reaction of reactionsOf(platform, random)) {
      this.#agenda.add(at + reaction.reportedMs, { receipts, reaction, arrivedAt: at });
    }
    if (this.#known.size % EVERY.forged === 1) this.#agenda.add(at, { invalid: forged(messageId) });
    if (this.#known.size % EVERY.malformed === 1) this.#agenda.add(at, { invalid: malformed(messageId) });
  }

  async #report(): Promise<void> {
    const now = Date.now();
    if (now >= this.#reportUntil) return this.#agenda.clear();
    await this.#sender.send(this.#agenda.take(now).map((due) => this.#outgoing(due)));
  }

  #outgoing(due: Due): OutgoingReceipt {
    if ('invalid' in due) return due.invalid;
    const { kind, eventId, blocked, atMs } = due.reaction;
    const at = new Date(due.arrivedAt + atMs).toISOString();
    return {
      receipt: { messageId: due.receipts.messageId, kind, eventId, blocked, at },
      expected: this.#counter.count(due.receipts, due.reaction),
    };
  }
}

/** A message ID with a wrong MAC. */
function forged(messageId: string): OutgoingReceipt {
  const bytes = Buffer.from(messageId, 'base64url');
  randomBytes(16).copy(bytes, bytes.length - 16);
  const receipt = { messageId: bytes.toString('base64url'), kind: 'open', eventId: 'forged', at: now() };
  return { receipt, expected: 'unknown' };
}

function malformed(messageId: string): OutgoingReceipt {
  return { receipt: { messageId, kind: 'swiped', eventId: 'malformed', at: now() }, expected: 'error' };
}

function now(): string {
  return new Date().toISOString();
}
