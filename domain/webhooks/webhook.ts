/** Events that an endpoint can subscribe to. */
export const WEBHOOK_EVENTS = [
  'task.status_changed',
  'task.approval_requested',
  'task.approval_reminder',
  'push.status_changed',
] as const;
export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number];

export interface WebhookMessage {
  readonly no: number;
  readonly type: string;
  readonly at: Date;
  readonly data: Readonly<Record<string, unknown>>;
}

/** The message body, equal at every attempt. `sequence` grows with each event of one object, with gaps. */
export function bodyOf({ no, type, at, data }: WebhookMessage): string {
  return JSON.stringify({ type, timestamp: at.toISOString(), data: { ...data, sequence: no } });
}

/** Why a URL cannot be an endpoint, whatever its addresses. Undefined for a valid URL. */
export function refusalOfUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return 'is not a URL';
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'must begin with https://';
  if (url.username !== '' || url.password !== '') return 'must not contain a user or a password';
  return url.hash === '' ? undefined : 'must not contain a fragment';
}
