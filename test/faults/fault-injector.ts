import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../dev/devices/random.ts';
import type { SwitchChange } from '../../dev/simulators/config.ts';
import type { FaultOptions } from './options.ts';
import { type Fault, type FaultKind, type Kill, planFault, planFaults, wantedOf } from './plan.ts';
import type { Reporter } from './reporter.ts';
import { CALM, type Scene } from './scene.ts';
import { holds } from './until.ts';
import { postgresOf, processOf, revive, temporalOf, type Victim } from './victims.ts';

interface HeldLease {
  readonly pushNo: number;
  readonly leaseNo: number;
}

/** A fault that happened. */
export interface Blow {
  readonly kind: FaultKind;
  readonly victim: string;
  readonly atMs: number;
  /** Requests that were open at the push services, or at the API if that was killed. */
  readonly open: number;
  /** Of a sender that was killed or frozen; undefined when the database could not be asked. */
  readonly held: readonly HeldLease[] | undefined;
}

const LOAD_MS = 60_000;
const BUSY = 5;
const BUSY_MS = 10_000;
const BACK_MS = 90_000;
const ATTEMPTS_PER_FAULT = 15;

/** It came while requests were open; the sender that was hit, if one was, had devices of its own to send to. */
export function hasStruck({ open, held }: Blow): boolean {
  return open > 0 && held?.length !== 0;
}

export class Chaos {
  readonly blows: Blow[] = [];
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
  strikes(kind: FaultKind): number {
    return this.blows.filter((blow) => blow.kind === kind && hasStruck(blow)).length;
  }

  /** Does all that is planned, and what hit nothing once more; then waits until everything runs again. */
  async run(): Promise<void> {
    const faults = planFaults(this.#random, this.#options);
    for (let fault = faults.shift(); fault !== undefined; fault = faults.shift()) {
      await sleep(fault.afterMs);
      await this.#strike(fault);
      const { kind } = fault;
      const wanted = wantedOf(kind, this.#options);
      const tries = this.blows.filter((blow) => blow.kind === kind).length;
      const planned = faults.filter((each) => each.kind === kind).length;
      if (this.strikes(kind) + planned < wanted && tries < wanted * ATTEMPTS_PER_FAULT)
        faults.push(planFault(kind, this.#random));
    }
    await Promise.all(this.#after);
  }

  async #strike(fault: Fault): Promise<void> {
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

  async #kill(fault: Fault, kind: Kill): Promise<void> {
    const victim = await this.#chooseRunning(fault, kind);
    const { pid } = victim;
    await this.#awaitLoad(kind);
    const strike = victim.aim();
    await this.#awaitLoad(kind);
    const openPosts = this.#reporter.open;
    const atMs = performance.timeOrigin + performance.now();
    const dying = strike();
    const open = kind === 'api' ? openPosts : await this.#openRequests(atMs);
    await dying;
    const held = kind === 'sender' && pid !== undefined ? await this.#heldBy(pid) : undefined;
    this.#note({ kind, victim: victim.name, atMs, open, held }, `dead for ${fault.forMs} ms`);
    this.#later(this.#revive(victim, fault.forMs));
  }

  /** Temporal's production server may end when its database does: then it is started again, too. */
  async #revive(victim: Victim, afterMs: number): Promise<void> {
    this.#dead.add(victim.name);
    await revive(victim, afterMs);
    this.#dead.delete(victim.name);
    const temporal = temporalOf(this.#scene.stack);
    if (temporal.pid === undefined && !this.#dead.has(temporal.name)) await this.#revive(temporal, 0);
  }

  /** One that ended by itself while there was load to wait for is not frozen: then another is. */
  async #freeze(fault: Fault): Promise<void> {
    const victim = await this.#chooseRunning(fault, 'sender');
    await this.#awaitLoad('sender');
    const { pid } = victim;
    if (pid === undefined) return await this.#freeze(fault);
    const atMs = performance.timeOrigin + performance.now();
    process.kill(pid, 'SIGSTOP');
    const open = await this.#openRequests(atMs);
    const held = await this.#heldBy(pid);
    this.#note({ kind: 'freeze', victim: victim.name, atMs, open, held }, `for ${fault.forMs} ms`);
    await sleep(fault.forMs);
    process.kill(pid, 'SIGCONT');
  }

  async #storm(fault: Fault, trouble: NonNullable<SwitchChange['apns']>): Promise<void> {
    const { control } = this.#scene.simulators;
    await this.#awaitLoad('sender');
    const atMs = performance.timeOrigin + performance.now();
    await control.change({ apns: trouble, fcm: trouble });
    const open = await this.#openRequests(atMs);
    const { kind } = fault;
    this.#note({ kind, victim: 'push services', atMs, open, held: undefined }, JSON.stringify(trouble));
    const names = Object.keys(trouble) as (keyof typeof CALM)[];
    const calm = Object.fromEntries(
      names.map((name) => [name, CALM[name]]).filter(([, value]) => value !== undefined),
    );
    this.#later(sleep(fault.forMs).then(() => control.change({ apns: calm, fcm: calm })));
  }

  async #chooseRunning({ choice }: Fault, kind: Kill): Promise<Victim> {
    const { product, senders, stack, workflowWorker } = this.#scene;
    const victims: Readonly<Record<Kill, () => Victim[]>> = {
      sender: () => senders.map(processOf),
      workflow: () => [processOf(workflowWorker)],
      api: () => [processOf(product.api)],
      temporal: () => [temporalOf(stack)],
      postgres: () => [postgresOf(stack)],
    };
    const running = () => victims[kind]().filter(({ pid }) => pid !== undefined);
    const isBack = await holds(async () => running().length > 0, BACK_MS);
    const found = running();
    const victim = found[choice % found.length];
    if (!isBack || victim === undefined) throw new Error(`no ${kind} came back within ${BACK_MS} ms`);
    return victim;
  }

  /** Several requests came in just now, so that some are surely open; one has to do when there never are several. */
  async #awaitLoad(kind: Kill): Promise<void> {
    const { control } = this.#scene.simulators;
    const isBusy = (requests: number) => async () =>
      kind === 'api'
        ? this.#reporter.open > 0
        : (await control.requestsSince(Date.now() - CALM.delayMs.min)) >= requests;
    if (await holds(isBusy(BUSY), BUSY_MS, 5)) return;
    if (!(await holds(isBusy(1), LOAD_MS, 5))) throw new Error(`nothing was sent for ${LOAD_MS} ms`);
  }

  /** What came in during the time that every answer takes at least was open at that moment. */
  async #openRequests(atMs: number): Promise<number> {
    const { control } = this.#scene.simulators;
    const until = await control.requestsSince(atMs);
    return (await control.requestsSince(atMs - CALM.delayMs.min)) - until;
  }

  /** What it took last and nobody has taken since. */
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

  #note(blow: Blow, detail: string): void {
    this.blows.push(blow);
    const leases = blow.held === undefined ? '' : `, ${blow.held.length} leases`;
    this.#options.say(`${blow.kind}: ${blow.victim} with ${blow.open} requests open${leases}; ${detail}`);
  }

  #later(work: Promise<void>): void {
    this.#after.add(work);
    work.catch(() => undefined);
  }
}
