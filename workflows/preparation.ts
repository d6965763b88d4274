import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { condition, upsertSearchAttributes } from '@temporalio/workflow';
import { bulk } from './activities.ts';
import { type PushRun, report } from './push-run.ts';

const PLANNED = defineSearchAttributeKey('Planned', SearchAttributeType.INT);

/** Prepares a push. Of a large audience only the first devices, and the others while those are sent to. */
export class Preparation {
  readonly #run: PushRun;
  /** Devices so far. */
  #planned = 0;
  #isUnderWay = false;
  #onLeases: ((leases: readonly number[]) => void) | undefined;

  constructor(run: PushRun) {
    this.#run = run;
  }

  /** More leases may come. */
  get isUnderWay(): boolean {
    return this.#isUnderWay;
  }

  /** Why a part of the audience was not prepared. */
  get fault(): string | null {
    return this.#run.partFault ?? null;
  }

  /** Whether anybody is planned; the first may be sent to then. */
  async begin(): Promise<boolean> {
    const run = this.#run;
    await this.ended();
    const preparing = { isDone: false };
    const prepared = bulk('prepare recipients')
      .prepareRecipients({ pushId: run.input.pushId })
      .finally(() => {
        preparing.isDone = true;
      });
    await acknowledgeUntil(run, () => preparing.isDone);
    const { planned, fault, firstDueAt, lastLease } = await prepared;
    if (fault !== undefined) run.fault = fault;
    if (firstDueAt !== undefined) run.heldTo = firstDueAt;
    run.preparedAt = Date.now();
    this.#count(planned);
    if (lastLease !== undefined) {
      this.#isUnderWay = true;
      void this.#goOn(lastLease);
      await acknowledgeUntil(run, () => this.#planned > 0 || !this.#isUnderWay);
    }
    return this.#planned > 0;
  }

  /** Once nothing is being prepared any more. */
  async ended(): Promise<void> {
    if (this.#isUnderWay) await condition(() => !this.#isUnderWay);
  }

  /** Leases that are made from now on; without a listener they are found when the push is opened again. */
  listen(onLeases: ((leases: readonly number[]) => void) | undefined): void {
    this.#onLeases = onLeases;
  }

  async #goOn(firstLease: number): Promise<void> {
    const { pushId } = this.#run.input;
    let lastLease = firstLease;
    while (this.#isUnderWay) {
      const next = await bulk('prepare the next devices').prepareNextPart({ pushId, lastLease });
      lastLease = Math.max(lastLease, ...next.leases);
      this.#count(next.planned ?? this.#planned);
      this.#onLeases?.(next.leases);
      if (next.fault !== undefined) this.#run.partFault = next.fault;
      this.#isUnderWay = next.hasMore;
    }
  }

  #count(planned: number): void {
    this.#planned = planned;
    upsertSearchAttributes([{ key: PLANNED, value: planned }]);
  }
}

/** Nothing can be claimed while preparing, so that a pause or a cancel is obeyed at once. */
async function acknowledgeUntil(run: PushRun, isDone: () => boolean): Promise<void> {
  for (;;) {
    await condition(() => isDone() || run.instruction.no > run.obeyed);
    if (isDone()) return;
    run.obeyed = run.instruction.no;
    await report(run);
  }
}
