import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { Agenda } from '../../dev/devices/agenda.ts';
import { LogTail } from '../../dev/devices/log-tail.ts';
import { createRandom, type Random } from '../../dev/devices/random.ts';
import { type Reaction, reactionsOf } from '../../dev/devices/reaction.ts';
import type { DeliveryRef } from '../../domain/receipts/message-id.ts';
import type { AcknowledgedReceipts } from './receipts.ts';
import type { Scene } from './scene.ts';
import type { Traffic } from './traffic.ts';

interface Due {
  readonly ref: DeliveryRef;
  readonly messageId: string;
  readonly platform: 'ios' | 'android';
  readonly reaction: Reaction;
  readonly atMs: number;
  /** Event IDs of this delivery's acknowledged taps. */
  readonly taps: Set<string>;
}

const Answer = z.object({
  results: z.array(z.object({ result: z.string().optional(), error: z.string().optional() })),
});

const POSTERS = 3;
const BATCH = 100;
const PAUSE_MS = 40;
const RETRY_MS = { min: 50, spread: 250 };
const REQUEST_MS = 10_000;
/** The share of devices that report. Reports of all devices would leave no processor time to the senders. */
const SHARE = 0.12;

/** Stands for the devices: reports their messages during the whole run, and again until a 2xx. */
export class Reporter {
  /** Requests that wait for an answer. */
  open = 0;
  posts = 0;
  readonly #scene: Scene;
  readonly #traffic: Traffic;
  readonly #receipts: AcknowledgedReceipts;
  readonly #tail: LogTail;
  readonly #random: Random;
  readonly #agenda = new Agenda<Due>();
  #queue: Due[] = [];
  #batches = 0;
  #isStopped = false;
  #running: Promise<unknown> = Promise.resolve();

  private constructor(
    scene: Scene,
    traffic: Traffic,
    receipts: AcknowledgedReceipts,
    tail: LogTail,
    seed: number,
  ) {
    this.#scene = scene;
    this.#traffic = traffic;
    this.#receipts = receipts;
    this.#tail = tail;
    this.#random = createRandom(seed ^ 0x5eed);
  }

  static async start(
    scene: Scene,
    traffic: Traffic,
    receipts: AcknowledgedReceipts,
    seed: number,
  ): Promise<Reporter> {
    const tail = await LogTail.open(scene.simulators.logFile);
    const reporter = new Reporter(scene, traffic, receipts, tail, seed);
    const posters = Array.from({ length: POSTERS }, () => reporter.#post());
    reporter.#running = Promise.all([reporter.#follow(), ...posters]);
    reporter.#running.catch(() => undefined);
    return reporter;
  }

  /** Whether everything that was processed and written to the log so far is reported. */
  get isIdle(): boolean {
    return this.#agenda.size === 0 && this.#queue.length === 0 && this.#batches === 0;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
    await this.#tail.close();
  }

  async #follow(): Promise<void> {
    while (!this.#isStopped) {
      for (let lines = await this.#tail.read(); lines.length > 0; lines = await this.#tail.read()) {
        for (const line of lines) this.#receive(line);
      }
      this.#queue.push(...this.#agenda.take(Date.now()));
      await sleep(PAUSE_MS);
    }
  }

  #receive(line: Parameters<Traffic['add']>[0]): void {
    const ref = this.#traffic.add(line);
    if (ref === undefined || !this.#random.chance(SHARE)) return;
    const platform = line.channel === 'apns' ? 'ios' : 'android';
    const taps = new Set<string>();
    for (const reaction of reactionsOf(platform, this.#random)) {
      if (platform === 'ios' && reaction.kind === 'dismissal') continue;
      const atMs = line.at + reaction.atMs;
      const due = { ref, messageId: line.messageId, platform, reaction, atMs, taps } as const;
      this.#agenda.add(line.at + reaction.reportedMs, due);
    }
  }

  async #post(): Promise<void> {
    while (!this.#isStopped) {
      const batch = this.#queue.splice(0, BATCH);
      if (batch.length === 0) {
        await sleep(PAUSE_MS);
        continue;
      }
      this.#batches++;
      await this.#report(batch);
      this.#batches--;
      await sleep(PAUSE_MS);
    }
  }

  async #report(batch: readonly Due[]): Promise<void> {
    for (;;) {
      const results = await this.#send(batch).catch(() => undefined);
      if (results !== undefined) {
        for (const [index, due] of batch.entries()) this.#learn(due, results[index]);
        return;
      }
      if (this.#isStopped) throw new Error('receipts were never answered');
      await sleep(RETRY_MS.min + this.#random.below(RETRY_MS.spread));
    }
  }

  async #send(batch: readonly Due[]): Promise<z.infer<typeof Answer>['results']> {
    const receipts = batch.map(({ messageId, reaction, atMs }) => {
      const { kind, eventId, blocked } = reaction;
      return { messageId, kind, eventId, blocked, at: new Date(atMs).toISOString() };
    });
    this.open++;
    try {
      const response = await fetch(`${this.#scene.product.apiUrl}/v1/receipts`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${this.#scene.app.keys.sdk}`,
          'content-type': 'application/json',
        },
        body: JSON.stringify({ sentAt: new Date().toISOString(), receipts }),
        signal: AbortSignal.timeout(REQUEST_MS),
      });
      if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
      this.posts++;
      return Answer.parse(await response.json()).results;
    } finally {
      this.open--;
    }
  }

  #learn({ ref, reaction, taps }: Due, answer: z.infer<typeof Answer>['results'][number] | undefined): void {
    const { kind, eventId, blocked } = reaction;
    if (answer?.result !== 'counted' && answer?.result !== 'duplicate') {
      this.#receipts.refused.push(
        `push ${ref.pushNo} delivery ${ref.deliveryNo} ${kind}: ${JSON.stringify(answer)}`,
      );
      return;
    }
    const isNewTap = kind === 'open' && !taps.has(eventId);
    taps.add(eventId);
    this.#receipts.accept(ref.pushNo, ref.deliveryNo, kind, blocked, isNewTap);
  }
}
