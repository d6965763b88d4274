/** Crockford base32, without the letters that a person misreads: i, l, o and u. */
export const BASE32 = '0123456789abcdefghjkmnpqrstvwxyz';

export const TASK_ID = /^task-[0-9a-hjkmnp-tv-z]{10}$/;
export const PUSH_ID = /^push-[0-9a-hjkmnp-tv-z]{10}-[1-9][0-9]{0,8}$/;

export type IdKind =
  | 'app'
  | 'person'
  | 'key'
  | 'audience'
  | 'task'
  | 'remark'
  | 'vendorkey'
  | 'subgroup'
  | 'subcampaign'
  | 'origin'
  | 'webhook'
  | 'report'
  | 'test';

/** `random` returns `size` random bytes. */
export function newId(kind: IdKind, random: (size: number) => Uint8Array): string {
  return `${kind}-${Array.from(random(10), (byte) => BASE32[byte % 32]).join('')}`;
}

/** The batch ID: the same for every attempt to start the task's n-th push. */
export function pushIdOf(taskId: string, seq: number): string {
  return `push-${taskId.slice('task-'.length)}-${seq}`;
}
