import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import type { Channel } from '../../domain/platform.ts';
import { HashSet } from './hash.ts';

const FLUSH_CHARACTERS = 1 << 16;
const DUPLICATE_SAMPLES = 20;
const KEPT_BODIES = 100;
const INITIAL_STARTS = 1 << 16;

/** A message that a device got, as it was sent. */
export interface ShownMessage {
  readonly channel: Channel;
  readonly token: string;
  readonly body: string;
}

/** One request as a simulator saw it. */
export interface LoggedRequest {
  readonly channel: Channel;
  readonly token: string;
  readonly messageId: string;
  /** The arrival of the headers, in milliseconds since the epoch and on this machine's monotonic clock. */
  readonly at: number;
  readonly mono: number;
  /** The status of the answer; null without an answer. */
  readonly status: number | null;
  /** Whether the device got the message. */
  readonly processed: boolean;
  /** The reason why the request was not processed or not answered. */
  readonly reason: string;
}

export interface ChannelCounts {
  requests: number;
  processed: number;
  /** Requests closed without an answer, processed or not. */
  unanswered: number;
  /** Requests that were not processed, by reason. */
  refused: Record<string, number>;
}

export interface Counts {
  readonly requests: number;
  readonly processed: number;
  /** Number of distinct processed messages. */
  readonly distinctMessages: number;
  readonly distinctDevices: number;
  /** Number of messages processed again, and the first of their IDs. */
  readonly duplicates: number;
  readonly duplicateSamples: readonly string[];
  readonly channels: Readonly<Record<Channel, ChannelCounts>>;
}

/** Milliseconds of the machine's monotonic clock at `performance.now() === 0`. */
const MONO_ORIGIN = Number(process.hrtime.bigint()) / 1e6 - performance.now();

/** Counts every request exactly and appends it to an NDJSON file. */
export class RequestLog {
  readonly #file: number;
  readonly #messages = new HashSet();
  readonly #devices = new HashSet();
  #channels = emptyChannels();
  #duplicates = 0;
  #duplicateSamples: string[] = [];
  #lines = '';
  #starts = new Float64Array(INITIAL_STARTS);
  #started = 0;

  readonly #bodies: ShownMessage[] = [];
  #processed = 0;

  constructor(path: string) {
    this.#file = openSync(path, 'a');
  }

  /** Notes the start of a request; returns its `performance.now()`. */
  start(channel: Channel): number {
    const now = performance.now();
    if (this.#started === this.#starts.length) {
      const larger = new Float64Array(this.#starts.length * 2);
      larger.set(this.#starts);
      this.#starts = larger;
    }
    this.#starts[this.#started++] = now;
    this.#channels[channel].requests++;
    return now;
  }

  /** Counts a message that the device got, whether its request is answered or not. */
  process(channel: Channel, token: string, messageId: string, body: string): void {
    this.#bodies[this.#processed++ % KEPT_BODIES] = { channel, token, body };
    this.#channels[channel].processed++;
    this.#devices.add(token);
    if (this.#messages.add(messageId)) return;
    this.#duplicates++;
    if (this.#duplicateSamples.length < DUPLICATE_SAMPLES) this.#duplicateSamples.push(messageId);
  }

  end(startedAt: number, request: Omit<LoggedRequest, 'at' | 'mono'>): void {
    const counts = this.#channels[request.channel];
    if (request.status === null) counts.unanswered++;
    if (!request.processed) counts.refused[request.reason] = (counts.refused[request.reason] ?? 0) + 1;
    const line: LoggedRequest = {
      ...request,
      at: performance.timeOrigin + startedAt,
      mono: MONO_ORIGIN + startedAt,
    };
    this.#lines += `${JSON.stringify(line)}\n`;
    if (this.#lines.length >= FLUSH_CHARACTERS) this.flush();
  }

  flush(): void {
    if (this.#lines === '') return;
    writeSync(this.#file, this.#lines);
    this.#lines = '';
  }

  /** The last messages that devices got. */
  bodies(): readonly ShownMessage[] {
    return this.#bodies;
  }

  counts(): Counts {
    const { apns, fcm } = this.#channels;
    return {
      requests: apns.requests + fcm.requests,
      processed: apns.processed + fcm.processed,
      distinctMessages: this.#messages.size,
      distinctDevices: this.#devices.size,
      duplicates: this.#duplicates,
      duplicateSamples: this.#duplicateSamples,
      channels: this.#channels,
    };
  }

  /** Requests that started after a moment of the epoch. */
  startedSince(epochMs: number): number {
    const since = epochMs - performance.timeOrigin;
    let [low, high] = [0, this.#started];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#starts[middle] ?? 0) > since) high = middle;
      else low = middle + 1;
    }
    return this.#started - low;
  }

  /** Clears the counts and the log. */
  reset(): void {
    this.#lines = '';
    ftruncateSync(this.#file, 0);
    this.#messages.clear();
    this.#devices.clear();
    this.#channels = emptyChannels();
    this.#duplicates = 0;
    this.#duplicateSamples = [];
    this.#started = 0;
    this.#bodies.length = 0;
    this.#processed = 0;
  }

  close(): void {
    this.flush();
    closeSync(this.#file);
  }
}

function emptyChannels(): Record<Channel, ChannelCounts> {
  const empty = (): ChannelCounts => ({ requests: 0, processed: 0, unanswered: 0, refused: {} });
  return { apns: empty(), fcm: empty() };
}
