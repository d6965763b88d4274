import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { ApiDeps } from './deps.ts';
import { readPushStatistics } from './push-statistics.ts';
import type { StatisticsDetail } from './statistics-view.ts';

const POLL_MS = 500;
const HEARTBEAT_MS = 15_000;
/** Then the client comes again with its key, which may have been revoked. */
const LIFETIME_MS = 600_000;
/** Who reads slower than this misses what was in between, and gets the newest. */
const MAX_UNREAD_BYTES = 65_536;

interface Event {
  readonly id: string;
  readonly text: string;
  readonly final: boolean;
}

interface Watcher {
  readonly stream: Readable;
  /** What it was told last. */
  lastId: string | undefined;
}

export interface Feed {
  /** A stream of server-sent events: the statistics now, and whenever they change, until they are final. */
  watch(pushNo: number, lastId: string | undefined): Readable;
  readonly size: number;
  close(): void;
}

/** However many watch a push, one poller asks for them all. */
export function createStatisticsFeed(deps: ApiDeps): Feed {
  const topics = new Map<number, Set<Watcher>>();

  async function poll(pushNo: number, watchers: Set<Watcher>): Promise<void> {
    try {
      const event = await readEvent(deps, pushNo);
      for (const watcher of watchers) tell(watcher, event);
    } catch (error) {
      deps.log.warn({ err: error }, 'statistics feed');
    }
    if (watchers.size > 0) setTimeout(poll, POLL_MS, pushNo, watchers).unref();
    else topics.delete(pushNo);
  }

  function join(pushNo: number, watcher: Watcher): void {
    const known = topics.get(pushNo);
    const watchers = known ?? new Set();
    watchers.add(watcher);
    watcher.stream.once('close', () => watchers.delete(watcher));
    if (known !== undefined) return;
    topics.set(pushNo, watchers);
    void poll(pushNo, watchers);
  }

  return {
    watch(pushNo, lastId) {
      const stream = new Readable({ read: () => undefined });
      stream.push(`retry: ${POLL_MS}\n\n`);
      const beat = setInterval(() => stream.push(': here\n\n'), HEARTBEAT_MS).unref();
      const end = setTimeout(() => stream.push(null), LIFETIME_MS).unref();
      stream.once('close', () => {
        clearInterval(beat);
        clearTimeout(end);
      });
      join(pushNo, { stream, lastId });
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

async function readEvent(deps: ApiDeps, pushNo: number): Promise<Event> {
  const detail = await readPushStatistics(deps, pushNo);
  if (detail === undefined) throw new Error(`push ${pushNo} is gone`);
  const id = idOf(detail);
  const name = detail.final ? 'final' : 'statistics';
  const text = `event: ${name}\nid: ${id}\ndata: ${JSON.stringify(detail)}\n\n`;
  return { id, text, final: detail.final };
}

/** The same figures have the same ID, whenever they are read. */
function idOf({ asOf: _, ...figures }: StatisticsDetail): string {
  return createHash('sha256').update(JSON.stringify(figures)).digest('base64url').slice(0, 16);
}
