import { condition, upsertSearchAttributes } from '@temporalio/workflow';
import { SEARCH_KEYS } from '../../domain/workflows/search-attributes.ts';
import { bulk } from '../activities.ts';
import { type PushWorkflowState, report } from './push-workflow-state.ts';

/** Prepares the first devices of a large audience before sending, and the others during it. */
export class Preparation {
  readonly #workflow: PushWorkflowState;
  /** Devices planned so far. */
  #planned = 0;
  #isUnderWay = false;
  #onLeases: ((leases: readonly number[]) => void) | undefined;

  constructor(workflow: PushWorkflowState) {
    this.#workflow = workflow;
  }

  /** More leases may come. */
  get isUnderWay(): boolean {
    return this.#isUnderWay;
  }

  /** Why a part of the audience was not prepared. */
  get fault(): string | null {
    return this.#workflow.partFault ?? null;
  }

  /** Resolves when the first devices may be sent to; false when no device is planned. */
  async begin(): Promise<boolean> {
    const workflow = this.#workflow;
    await this.ended();
    const preparing = { isDone: false };
    const prepared = bulk('prepare the recipients')
      .prepareRecipients({ pushId: workflow.input.pushId })
      .finally(() => {
        preparing.isDone = true;
      });
    await acknowledgeUntil(workflow, () => preparing.isDone);
    const { planned, fault, firstDueAt, lastLease } = await prepared;
    if (fault !== undefined) workflow.fault = fault;
    if (firstDueAt !== undefined) workflow.heldTo = firstDueAt;
    workflow.preparedAt = Date.now();
    this.#count(planned);
    if (lastLease !== undefined) {
      this.#isUnderWay = true;
      void this.#prepareNextParts(lastLease);
      await acknowledgeUntil(workflow, () => this.#planned > 0 || !this.#isUnderWay);
    }
    return this.#planned > 0;
  }

  /** Resolves when no part is being prepared any more. */
  async ended(): Promise<void> {
    if (this.#isUnderWay) await condition(() => !this.#isUnderWay);
  }

  /**
   * Receives the leases that are made from now on; without a listener the next opening of the push lists
   * them.
   */
  listen(onLeases: ((leases: readonly number[]) => void) | undefined): void {
    this.#onLeases = onLeases;
  }

  async #prepareNextParts(firstLease: number): Promise<void> {
    const { pushId } = this.#workflow.input;
    let lastLease = firstLease;
    while (this.#isUnderWay) {
      const next = await bulk('prepare the next part of the audience').prepareNextPart({ pushId, lastLease });
      lastLease = Math.max(lastLease, ...next.leases);
      this.#count(next.planned ?? this.#planned);
      this.#onLeases?.(next.leases);
      if (next.fault !== undefined) this.#workflow.partFault = next.fault;
      this.#isUnderWay = next.hasMore;
    }
  }

  #count(planned: number): void {
    this.#planned = planned;
    upsertSearchAttributes([{ key: SEARCH_KEYS.planned, value: planned }]);
  }
}

/** No lease can be claimed during preparation, so that a pause or a cancel is acknowledged at once. */
async function acknowledgeUntil(workflow: PushWorkflowState, isDone: () => boolean): Promise<void> {
  for (;;) {
    await condition(() => isDone() || workflow.instruction.no > workflow.obeyed);
    if (isDone()) return;
    workflow.obeyed = workflow.instruction.no;
    await report(workflow);
  }
}
