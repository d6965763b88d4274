import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { MINUTE_MS } from '../../domain/duration.ts';
import type { ApiDeps } from '../http/deps.ts';

const POLL_MS = 500;
const HEARTBEAT_MS = 15_000;
/** A stream ends after this time. The client opens it again with its key, which may have been revoked. */
const LIFETIME_MS = 10 * MINUTE_MS;
/** A slow reader skips intermediate states and gets the newest one. */
const MAX_UNREAD_BYTES = 65_536;

/** The subject of a stream. */
export interface Topic {
  readonly key: string;
  /** Undefined when the subject no longer exists. */
  read(): Promise<Figures | undefined>;
}

export interface Figures {
  readonly body: { readonly asOf: Date };
  /** Final statistics no longer change. */
  readonly final: boolean;
}

interface Event {
  readonly id: string;
  readonly text: string;
  readonly final: boolean;
}

interface Watcher {
  readonly stream: Readable;
  /** The ID of the last event that was sent. */
  lastId: string | undefined;
}

export interface Feed {
  /** A stream of server-sent events with the statistics now and at each change, until they are final. */
  watch(topic: Topic, lastId: string | undefined): Readable;
  readonly size: number;
  close(): void;
}

/** One poller serves all watchers of a push or a task. */
export function createStatisticsFeed({ log }: Pick<ApiDeps, 'log'>): Feed {
  const topics = new Map<string, Set<Watcher>>();

  async function poll(topic: Topic, watchers: Set<Watcher>): Promise<void> {
    try {
      const event = await readEvent(topic);
      for (const watcher of watchers) tell(watcher, event);
    } catch (error) {
      log.warn({ err: error }, 'reading the statistics of a stream failed');
    }
    if (watchers.size > 0) setTimeout(poll, POLL_MS, topic, watchers).unref();
    else topics.delete(topic.key);
  }

  function join(topic: Topic, watcher: Watcher): void {
    const known = topics.get(topic.key);
    const watchers = known ?? new Set();
    watchers.add(watcher);
    watcher.stream.once('close', () => watchers.delete(watcher));
    if (known !== undefined) return;
    topics.set(topic.key, watchers);
    void poll(topic, watchers);
  }

  return {
    watch(topic, lastId) {
      const stream = new Readable({ read: () => undefined });
      stream.push(`retry: ${POLL_MS}\n\n`);
      const beat = setInterval(() => stream.push(': here\n\n'), HEARTBEAT_MS).unref();
      const end = setTimeout(() => stream.push(null), LIFETIME_MS).unref();
      stream.once('close', () => {
        clearInterval(beat);
        clearTimeout(end);
      });
      join(topic, { stream, lastId });
      return stream;
    },
    get size() {
      return [...topics.values()].reduce((sum, watchers) => sum + watchers.size, 0);
    },
    close() {
      for (const watchers of topics.values()) {
        for (const { stream } of watchers) stream.push(null);
        watchers.clear();
      }
    },
  };
}

function tell(watcher: Watcher, event: Event): void {
  const { stream } = watcher;
  if (stream.destroyed || stream.readableEnded || stream.readableLength > MAX_UNREAD_BYTES) return;
  if (watcher.lastId !== event.id) {
    watcher.lastId = event.id;
    stream.push(event.text);
  }
  if (event.final) stream.push(null);
}

async function readEvent({ key, read }: Topic): Promise<Event> {
  const found = await read();
  if (found === undefined) throw new Error(`${key} no longer exists`);
  const { body, final } = found;
  const id = idOf(found);
  const text = `event: ${final ? 'final' : 'statistics'}\nid: ${id}\ndata: ${JSON.stringify(body)}\n\n`;
  return { id, text, final };
}

/** Equal figures have the same ID at any time of reading. */
function idOf({ body: { asOf: _, ...figures }, final }: Figures): string {
  return createHash('sha256')
    .update(JSON.stringify({ ...figures, final }))
    .digest('base64url')
    .slice(0, 16);
}
