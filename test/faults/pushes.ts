import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Scene } from './scene.ts';
import { insist } from './until.ts';

const Made = z.object({ id: z.string() });
const Task = z.object({ status: z.string(), statusReason: z.string().nullable() });

const WATCH_MS = 200;
const REQUEST_MS = 15_000;
/** Limits the open pushes even when all of them are stuck. */
const MAX_OPEN = 5;
/** Below this number of pending devices the next push is started. */
const LEAST_PENDING = 5_000;

/** Keeps pushes under way at all times, through an API that is killed now and then. */
export class Marketer {
  readonly taskIds: string[] = [];
  readonly #scene: Scene;
  readonly #least: number;
  #audienceId = '';
  #isStopped = false;
  #running: Promise<void> = Promise.resolve();

  constructor(scene: Scene, devices: number) {
    this.#scene = scene;
    this.#least = Math.max(LEAST_PENDING, devices / 2);
  }

  async start(): Promise<void> {
    const made = await this.#call('marketer', 'POST', '/v1/audiences', { name: 'everybody', kind: 'all' });
    this.#audienceId = Made.parse(made).id;
    await this.#startPush();
    this.#running = this.#keepGoing();
    this.#running.catch(() => undefined);
  }

  /** Lets the push that is being started be the last. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Rejects with the first error, if there was one. */
  get ended(): Promise<void> {
    return this.#running;
  }

  async #keepGoing(): Promise<void> {
    while (!this.#isStopped) {
      if (await this.#wantsMore().catch(() => false)) await this.#startPush();
      await sleep(WATCH_MS);
    }
  }

  async #wantsMore(): Promise<boolean> {
    const open = await this.#scene.db
      .selectFrom('pushes as p')
      .leftJoin('leases as l', 'l.push_no', 'p.no')
      .where('p.status', 'in', ['preparing', 'sending', 'paused'])
      .select(['p.no', 'p.status', 'l.pending'])
      .execute();
    const pushes = new Set(open.map(({ no }) => no));
    const pending = open.flatMap((row) => row.pending ?? []).reduce((sum, count) => sum + count, 0);
    return pushes.size < MAX_OPEN && pending < this.#least;
  }

  async #startPush(): Promise<void> {
    const key = randomUUID();
    const definition = {
      name: `Push ${this.taskIds.length + 1}`,
      pushType: 'single',
      audience: { id: this.#audienceId },
      content: { title: 'Sale', body: 'Today only' },
    };
    const made = await insist('creating a task', () =>
      this.#call('marketer', 'POST', '/v1/tasks', definition, key),
    );
    const { id } = Made.parse(made);
    this.taskIds.push(id);
    await insist(`starting ${id}`, () => this.#bringForward(id));
  }

  /** Takes one action at a time by the task's shown status, because a lost answer may have been a success. */
  async #bringForward(taskId: string): Promise<void> {
    const { status } = Task.parse(await this.#call('marketer', 'GET', `/v1/tasks/${taskId}`));
    if (status === 'draft') await this.#call('marketer', 'POST', `/v1/tasks/${taskId}/submit`);
    else if (status === 'pending_approval')
      await this.#call('approver', 'POST', `/v1/tasks/${taskId}/approve`, { revision: 1 });
    else return;
    throw new Error(`${taskId} was ${status}`);
  }

  async #call(
    role: 'marketer' | 'approver',
    method: string,
    path: string,
    body?: object,
    idempotencyKey?: string,
  ): Promise<unknown> {
    const response = await fetch(`${this.#scene.product.apiUrl}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.#scene.app.keys[role]}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(REQUEST_MS),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return await response.json();
  }
}
