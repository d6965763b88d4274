import { Context } from '@temporalio/activity';

const HEARTBEAT_MS = 2000;

/**
 * Heartbeats until the work ends, even while it only waits, because heartbeats prove that the process lives.
 */
export async function withHeartbeats<T>(work: Promise<T>, everyMs: number = HEARTBEAT_MS): Promise<T> {
  const context = Context.current();
  const timer = setInterval(() => context.heartbeat(), everyMs);
  try {
    return await work;
  } finally {
    clearInterval(timer);
  }
}
