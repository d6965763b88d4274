/** RFC 9110, 10.2.3: seconds, or an HTTP date. A wait of ten digits, which is decades, is ignored. */
const SECONDS = /^\d{1,9}$/;

/** Milliseconds that a Retry-After header asks to wait. */
export function retryAfterMs(header: string | undefined, now: Date): number | undefined {
  if (header === undefined) return undefined;
  if (SECONDS.test(header)) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now.getTime());
}
