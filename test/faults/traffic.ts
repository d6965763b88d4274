import type { LoggedRequest } from '../../dev/simulators/request-log.ts';
import { type DeliveryRef, decodeMessageId, type Mac } from '../../domain/receipts/message-id.ts';
import { LedgerMap } from './ledger-map.ts';

/** Counts of the simulators' actions on the messages of one push, by delivery number. */
export interface PushTraffic {
  readonly processed: Uint8Array;
  /** Messages read whole, and neither answered nor processed. */
  readonly swallowed: Uint8Array;
  /** Messages answered with another status than 200. */
  readonly refused: Uint8Array;
}

export interface Again extends DeliveryRef {
  readonly token: string;
  readonly atMs: number;
}

/** Reads the simulators' log as the account of what really happened. */
export class Traffic {
  readonly #mac: Mac;
  readonly #pushes: LedgerMap<PushTraffic>;
  /** Messages processed a second time. */
  readonly duplicates: Again[] = [];
  /** Messages sent again without proof that the first was not processed. */
  readonly blind: Again[] = [];
  requests = 0;

  constructor(mac: Mac, devices: number) {
    this.#mac = mac;
    const counts = () => new Uint8Array(devices + 1);
    this.#pushes = new LedgerMap(() => ({ processed: counts(), swallowed: counts(), refused: counts() }));
  }

  of(pushNo: number): PushTraffic {
    return this.#pushes.of(pushNo);
  }

  /** Returns the delivery whose message was processed, if any. */
  add(request: LoggedRequest): DeliveryRef | undefined {
    this.requests++;
    if (request.messageId === '') return undefined;
    const ref = decodeMessageId(this.#mac, request.messageId);
    if (ref === undefined) throw new Error(`not a message ID of this run: ${request.messageId}`);
    const { processed, swallowed, refused } = this.of(ref.pushNo);
    const { deliveryNo } = ref;
    const again = { ...ref, token: request.token, atMs: request.at };
    if (request.processed) {
      if ((processed[deliveryNo] ?? 0) > 0) this.duplicates.push(again);
      else if ((swallowed[deliveryNo] ?? 0) > 0) this.blind.push(again);
      processed[deliveryNo] = (processed[deliveryNo] ?? 0) + 1;
      return ref;
    }
    if (request.status !== null) refused[deliveryNo] = (refused[deliveryNo] ?? 0) + 1;
    else {
      if ((processed[deliveryNo] ?? 0) + (swallowed[deliveryNo] ?? 0) > 0) this.blind.push(again);
      swallowed[deliveryNo] = (swallowed[deliveryNo] ?? 0) + 1;
    }
    return undefined;
  }
}
