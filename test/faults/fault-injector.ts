import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../dev/devices/random.ts';
import type { SwitchChange } from '../../dev/simulators/config.ts';
import { type FaultTarget, postgresOf, processOf, revive, temporalOf } from './fault-targets.ts';
import type { FaultOptions } from './options.ts';
import { type FaultKind, type Kill, type PlannedFault, planFault, planFaults, wantedOf } from './plan.ts';
import type { Reporter } from './reporter.ts';
import { CALM, type Scene } from './scene.ts';
import { holds } from './until.ts';

interface HeldLease {
  readonly pushNo: number;
  readonly leaseNo: number;
}

/** A fault that was injected. */
export interface Fault {
  readonly kind: FaultKind;
  readonly target: string;
  readonly atMs: number;
  /** Requests that were open at the push services, or at the API if that was killed. */
  readonly open: number;
  /** Leases of a sender that was killed or frozen; undefined when the database could not be asked. */
  readonly held: readonly HeldLease[] | undefined;
}

const LOAD_MS = 60_000;
const BUSY = 5;
const BUSY_MS = 10_000;
const BACK_MS = 90_000;
const ATTEMPTS_PER_FAULT = 15;

/** Whether requests were open, and a sender that was hit held a lease. */
export function hasHit({ open, held }: Fault): boolean {
  return open > 0 && held?.length !== 0;
}

export class FaultInjector {
  readonly faults: Fault[] = [];
  readonly #scene: Scene;
  readonly #reporter: Reporter;
  readonly #random: Random;
  readonly #options: FaultOptions;
  readonly #after = new Set<Promise<void>>();
  readonly #dead = new Set<string>();

  constructor(scene: Scene, reporter: Reporter, random: Random, options: FaultOptions) {
    this.#scene = scene;
    this.#reporter = reporter;
    this.#random = random;
    this.#options = options;
  }

  /** Faults of a kind that hit open requests. */
  hits(kind: FaultKind): number {
    return this.faults.filter((fault) => fault.kind === kind && hasHit(fault)).length;
  }

  /** Injects the planned faults, repeats those that hit nothing, and waits until everything runs again. */
  async run(): Promise<void> {
    const queue = planFaults(this.#random, this.#options);
    for (let fault = queue.shift(); fault !== undefined; fault = queue.shift()) {
      await sleep(fault.afterMs);
      await this.#inject(fault);
      const { kind } = fault;
      const wanted = wantedOf(kind, this.#options);
      const tries = this.faults.filter((each) => each.kind === kind).length;
      const planned = queue.filter((each) => each.kind === kind).length;
      if (this.hits(kind) + planned < wanted && tries < wanted * ATTEMPTS_PER_FAULT)
        queue.push(planFault(kind, this.#random));
    }
    await Promise.all(this.#after);
  }

  async #inject(fault: PlannedFault): Promise<void> {
    switch (fault.kind) {
      case 'goaway':
        return await this.#storm(fault, { goawayEveryStreams: 20 + (fault.choice % 200) });
      case 'unavailable':
        return await this.#storm(fault, { shareUnavailable: 0.3, retryAfterSeconds: fault.choice % 2 });
      case 'blackhole':
        return await this.#storm(fault, { blackhole: true });
      case 'freeze':
        return await this.#freeze(fault);
      default:
        return await this.#kill(fault, fault.kind);
    }
  }

  async #kill(fault: PlannedFault, kind: Kill): Promise<void> {
    const target = await this.#chooseRunning(fault, kind);
    const { pid } = target;
    await this.#awaitLoad(kind);
    const killNow = target.aim();
    await this.#awaitLoad(kind);
    const openPosts = this.#reporter.open;
    const atMs = performance.timeOrigin + performance.now();
    const dying = killNow();
    const open = kind === 'api' ? openPosts : await this.#openRequests(atMs);
    await dying;
    const held = kind === 'sender' && pid !== undefined ? await this.#heldBy(pid) : undefined;
    this.#note({ kind, target: target.name, atMs, open, held }, `dead for ${fault.forMs} ms`);
    this.#later(this.#revive(target, fault.forMs));
  }

  /** Restarts the target, and Temporal's production server as well if that ended with its database. */
  async #revive(target: FaultTarget, afterMs: number): Promise<void> {
    this.#dead.add(target.name);
    await revive(target, afterMs);
    this.#dead.delete(target.name);
    const temporal = temporalOf(this.#scene.stack);
    if (temporal.pid === undefined && !this.#dead.has(temporal.name)) await this.#revive(temporal, 0);
  }

  /** A sender that ended by itself during the wait for load is replaced by another one. */
  async #freeze(fault: PlannedFault): Promise<void> {
    const target = await this.#chooseRunning(fault, 'sender');
    await this.#awaitLoad('sender');
    const { pid } = target;
    if (pid === undefined) return await this.#freeze(fault);
    const atMs = performance.timeOrigin + performance.now();
    process.kill(pid, 'SIGSTOP');
    const open = await this.#openRequests(atMs);
    const held = await this.#heldBy(pid);
    this.#note({ kind: 'freeze', target: target.name, atMs, open, held }, `for ${fault.forMs} ms`);
    await sleep(fault.forMs);
    process.kill(pid, 'SIGCONT');
  }

  async #storm(fault: PlannedFault, trouble: NonNullable<SwitchChange['apns']>): Promise<void> {
    const { control } = this.#scene.simulators;
    await this.#awaitLoad('sender');
    const atMs = performance.timeOrigin + performance.now();
    await control.change({ apns: trouble, fcm: trouble });
    const open = await this.#openRequests(atMs);
    const { kind } = fault;
    this.#note({ kind, target: 'push services', atMs, open, held: undefined }, JSON.stringify(trouble));
    const names = Object.keys(trouble) as (keyof typeof CALM)[];
    const calm = Object.fromEntries(
      names.map((name) => [name, CALM[name]]).filter(([, value]) => value !== undefined),
    );
    this.#later(sleep(fault.forMs).then(() => control.change({ apns: calm, fcm: calm })));
  }

  async #chooseRunning({ choice }: PlannedFault, kind: Kill): Promise<FaultTarget> {
    const { product, senders, stack, workflowWorker } = this.#scene;
    const targets: Readonly<Record<Kill, () => FaultTarget[]>> = {
      sender: () => senders.map(processOf),
      workflow: () => [processOf(workflowWorker)],
      api: () => [processOf(product.api)],
      temporal: () => [temporalOf(stack)],
      postgres: () => [postgresOf(stack)],
    };
    const running = () => targets[kind]().filter(({ pid }) => pid !== undefined);
    const isBack = await holds(async () => running().length > 0, BACK_MS);
    const found = running();
    const target = found[choice % found.length];
    if (!isBack || target === undefined) throw new Error(`no ${kind} came back within ${BACK_MS} ms`);
    return target;
  }

  /**
   * Waits for several recent requests, so that some are open. One is enough when several never come at once.
   */
  async #awaitLoad(kind: Kill): Promise<void> {
    const { control } = this.#scene.simulators;
    const isBusy = (requests: number) => async () =>
      kind === 'api'
        ? this.#reporter.open > 0
        : (await control.requestsSince(Date.now() - CALM.delayMs.min)) >= requests;
    if (await holds(isBusy(BUSY), BUSY_MS, 5)) return;
    if (!(await holds(isBusy(1), LOAD_MS, 5))) throw new Error(`nothing was sent for ${LOAD_MS} ms`);
  }

  /** Requests that arrived within the minimum delay of an answer were open at that moment. */
  async #openRequests(atMs: number): Promise<number> {
    const { control } = this.#scene.simulators;
    const until = await control.requestsSince(atMs);
    return (await control.requestsSince(atMs - CALM.delayMs.min)) - until;
  }

  /** Leases that this process took and no other process has taken since. */
  async #heldBy(pid: number): Promise<readonly HeldLease[] | undefined> {
    try {
      return await this.#scene.db
        .selectFrom('leases')
        .select(['push_no as pushNo', 'lease_no as leaseNo'])
        .where('holder', '=', `${pid}@${hostname()}`)
        .where('done', '=', false)
        .execute();
    } catch {
      return undefined;
    }
  }

  #note(fault: Fault, detail: string): void {
    this.faults.push(fault);
    const leases = fault.held === undefined ? '' : `, ${fault.held.length} leases`;
    this.#options.say(`${fault.kind}: ${fault.target} with ${fault.open} requests open${leases}; ${detail}`);
  }

  #later(work: Promise<void>): void {
    this.#after.add(work);
    work.catch(() => undefined);
  }
}
