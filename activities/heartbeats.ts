import { Context } from '@temporalio/activity';

const HEARTBEAT_MS = 2000;

/** Heartbeats while the work goes on, even if it only waits: the process lives. */
export async function withHeartbeats<T>(work: Promise<T>, everyMs: number = HEARTBEAT_MS): Promise<T> {
  const context = Context.current();
  const timer = setInterval(() => context.heartbeat(), everyMs);
  try {
    return await work;
  } finally {
    clearInterval(timer);
  }
}
