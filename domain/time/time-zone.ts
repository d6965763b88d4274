import { createBoundedMap } from '../bounded-map.ts';

const OFFSET = /^[+-]/;
const NAMES = 10_000;
const known = createBoundedMap<string, boolean>(NAMES);

/** Whether the name is an IANA time zone. Answers are cached, as `Intl` takes tens of microseconds. */
export function isTimeZone(name: string): boolean {
  const before = known.get(name);
  if (before !== undefined) return before;
  const answer = !OFFSET.test(name) && name.length <= 64 && isAccepted(name);
  known.set(name, answer);
  return answer;
}

function isAccepted(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}
