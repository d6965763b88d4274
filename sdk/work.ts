import { type DeviceStep, forgetSecret, nextStep, stepDone, stepRefused } from './device-state.ts';
import { decideClosings } from './dismissals.ts';
import type { Environment } from './environment.ts';
import type { Answer, Call } from './http.ts';
import { leaveOut } from './left-out.ts';
import type { SignalboxProblem } from './problems.ts';
import { retryDelay } from './retry.ts';
import { BATCH_ITEMS, batchOf, enqueue, type Item, removeItems, type State } from './state.ts';

/** One request. */
export type Work =
  | { readonly kind: 'device'; readonly call: Call; readonly step: DeviceStep }
  | { readonly kind: 'items'; readonly call: Call; readonly items: readonly Item[] };

type Refusal = Exclude<Answer, { verdict: 'done' }>;
type Tools = Pick<Environment, 'now' | 'random' | 'randomId'>;

/** The number of forbidden answers after which the items of a request are dropped. */
const FORBIDDEN_TRIES = 8;

/** Turns closings that were alone into receipts. */
export function decideHeld(state: State, now: number): void {
  if (state.held.length === 0) return;
  const { alone, held } = decideClosings(state.held, now);
  state.held = held;
  enqueue(
    state,
    alone.map(({ id, messageId, at }) => ({
      kind: 'receipt',
      id,
      body: { messageId, kind: 'dismissal', eventId: id, at: new Date(at).toISOString() },
    })),
  );
}

/** Requests for the device come first, because events need its secret. */
export function nextWork(state: State, { now, randomId }: Tools): Work | undefined {
  const { device } = state;
  const step = device === null ? undefined : nextStep(device, randomId);
  if (device !== null && step !== undefined)
    return { kind: 'device', step, call: callOf(device.id, device.secret, step) };
  return receiptWork(state, now()) ?? eventWork(state, now());
}

export function receiptWork(state: Pick<State, 'outbox' | 'batchSize'>, now: number): Work | undefined {
  const items = batchOf(state, 'receipt');
  if (items.length === 0) return undefined;
  const body = { sentAt: new Date(now).toISOString(), receipts: items.map((item) => item.body) };
  return { kind: 'items', items, call: { method: 'POST', path: '/v1/receipts', body } };
}

export function eventWork(
  state: Pick<State, 'outbox' | 'batchSize' | 'device'>,
  now: number,
): Work | undefined {
  const items = batchOf(state, 'event');
  const { id: deviceId, secret = null, isRegistered = false } = state.device ?? {};
  if (items.length === 0 || secret === null || !isRegistered) return undefined;
  const sentAt = new Date(now).toISOString();
  const body = { deviceId, sentAt, events: items.map((item) => item.body) };
  const headers = { 'x-device-secret': secret };
  return { kind: 'items', items, call: { method: 'POST', path: '/v1/events', body, headers } };
}

function callOf(id: string, secret: string | null, step: DeviceStep): Call {
  if (step.kind === 'register') {
    const proof = secret === null ? {} : { 'x-device-secret': secret };
    const headers = { 'idempotency-key': step.key, ...proof };
    return { method: 'POST', path: '/v1/devices', body: step.body, headers };
  }
  const path = `/v1/devices/${encodeURIComponent(id)}`;
  const headers = { 'x-device-secret': secret ?? '' };
  if (step.kind === 'refresh') return { method: 'PUT', path, body: step.changes, headers };
  if (step.kind === 'bind') {
    const { token } = step;
    return token === null
      ? { method: 'DELETE', path: `${path}/user`, headers }
      : { method: 'PUT', path: `${path}/user`, body: { token }, headers };
  }
  return { method: step.wish ? 'POST' : 'DELETE', path: `${path}/unsubscribe`, headers };
}

/** Records the outcome of a request, and returns the problems for the app. */
export function settle(state: State, work: Work, answer: Answer, tools: Tools): SignalboxProblem[] {
  if (answer.verdict !== 'done') {
    return work.kind === 'device'
      ? deviceFailed(state, work.step, answer, tools)
      : itemsFailed(state, work.items, answer, tools);
  }
  if (work.kind === 'items') {
    const refused = settleItems(state, work.items, answer.body);
    if (refused === undefined) return putOff(state, notAnAnswer(), tools);
    succeed(state);
    return refused;
  }
  if (work.step.kind === 'register' && typeof answer.body['secret'] !== 'string')
    return putOff(state, notAnAnswer(), tools);
  if (state.device !== null) stepDone(state.device, work.step, answer.body);
  succeed(state);
  return warningsIn(answer.body);
}

/** What the server left out of a device that it has taken. */
function warningsIn({ warnings }: Readonly<Record<string, unknown>>): SignalboxProblem[] {
  const list: Partial<Record<string, string>>[] = Array.isArray(warnings) ? warnings : [];
  return list.map(({ pointer = '', code = 'warning', detail = '' }) => ({
    kind: 'device',
    fault: { status: 200, code, detail: `${pointer} ${detail}`.trim(), pointers: [pointer] },
  }));
}

function succeed(state: State): void {
  state.failures = 0;
  state.notBefore = 0;
  state.isOffline = false;
  state.batchSize = Math.min(BATCH_ITEMS, state.batchSize * 2);
}

const FINAL: readonly unknown[] = ['unknown', 'not_supported'];

/** Removes the answered items. Returns undefined when the answer named none. */
function settleItems(
  state: State,
  items: readonly Item[],
  body: Readonly<Record<string, unknown>>,
): SignalboxProblem[] | undefined {
  const results = Array.isArray(body['results']) ? body['results'] : [];
  const answered = new Set<string>();
  const problems: SignalboxProblem[] = [];
  for (const one of results as { index?: unknown; result?: unknown; error?: unknown }[]) {
    const item = items[Number(one.index)];
    if (item === undefined) continue;
    answered.add(item.id);
    const reason = one.error ?? (FINAL.includes(one.result) ? one.result : undefined);
    if (reason !== undefined) problems.push({ kind: 'refused', item, reason: String(reason) });
  }
  removeItems(state, answered);
  return answered.size === 0 ? undefined : problems;
}

function deviceFailed(state: State, step: DeviceStep, answer: Refusal, tools: Tools): SignalboxProblem[] {
  const { device } = state;
  if (device === null || answer.verdict === 'retry' || isRoutingFault(answer))
    return putOff(state, answer, tools);
  if (leaveOut(device, step, answer.fault)) return [{ kind: 'device', fault: answer.fault }];
  stepRefused(device, step, answer.fault, tools.randomId());
  return device.fault === null ? putOff(state, answer, tools) : [{ kind: 'device', fault: answer.fault }];
}

function itemsFailed(
  state: State,
  items: readonly Item[],
  answer: Refusal,
  tools: Tools,
): SignalboxProblem[] {
  const { fault, verdict } = answer;
  if (fault.code === 'device_secret_required' && state.device !== null) {
    forgetSecret(state.device);
    return putOff(state, answer, tools);
  }
  if (verdict === 'faulty' && items.length > 1) {
    state.batchSize = Math.max(1, Math.floor(items.length / 2));
    return [{ kind: 'request', fault }];
  }
  if (verdict === 'retry' || (verdict === 'forbidden' && state.failures < FORBIDDEN_TRIES))
    return putOff(state, answer, tools);
  removeItems(state, new Set(items.map((item) => item.id)));
  state.failures = 0;
  return items.map((item) => ({ kind: 'refused', item, reason: `${fault.code}: ${fault.detail}` }));
}

function putOff(state: State, { isOffline, retryAfterMs, fault }: Refusal, tools: Tools): SignalboxProblem[] {
  state.failures += 1;
  state.isOffline = isOffline;
  state.notBefore = tools.now() + retryDelay(state.failures, retryAfterMs, tools.random);
  return isOffline ? [] : [{ kind: 'request', fault }];
}

/** Whether the refusal came from a server between the SDK and the API. */
function isRoutingFault({ fault }: Refusal): boolean {
  return fault.code === 'unknown';
}

function notAnAnswer(): Refusal {
  const fault = { status: 200, code: 'unknown', detail: 'the answer did not come from the Signalbox API' };
  return { verdict: 'retry', isOffline: false, retryAfterMs: 0, fault };
}
