import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { AnswerKind } from './receipt-counter.ts';

/** A receipt as it is posted, and the expected answer of the API. */
export interface OutgoingReceipt {
  readonly receipt: object;
  readonly expected: AnswerKind;
}

export type Answers = Readonly<Record<AnswerKind, number>>;

const Answer = z.object({
  results: z.array(z.object({ result: z.string().optional(), error: z.string().optional() })),
});

const MAX_BATCH = 1_000;
const ATTEMPTS = 5;
const RETRY_MS = 300;

/** Posts receipts with the SDK key, and counts the actual and the expected answers. */
export class ReceiptSender {
  readonly #url: string;
  readonly #key: string;
  readonly #expected = noAnswers();
  readonly #actual = noAnswers();

  constructor(apiUrl: string, sdkKey: string) {
    this.#url = `${apiUrl}/v1/receipts`;
    this.#key = sdkKey;
  }

  get answers(): { readonly expected: Answers; readonly actual: Answers } {
    return { expected: { ...this.#expected }, actual: { ...this.#actual } };
  }

  async send(receipts: readonly OutgoingReceipt[]): Promise<void> {
    for (let from = 0; from < receipts.length; from += MAX_BATCH) {
      await this.#sendBatch(receipts.slice(from, from + MAX_BATCH));
    }
  }

  async #sendBatch(batch: readonly OutgoingReceipt[]): Promise<void> {
    const results = await this.#post({ receipts: batch.map((one) => one.receipt) });
    for (const { expected } of batch) this.#expected[expected]++;
    for (const { result, error } of results) this.#actual[kindOf(result, error)]++;
  }

  /** Retries after a failure, as an SDK does: receipts are idempotent. */
  async #post(body: object): Promise<z.infer<typeof Answer>['results']> {
    for (let attempt = 1; ; attempt++) {
      try {
        const response = await fetch(this.#url, {
          method: 'POST',
          headers: { authorization: `Bearer ${this.#key}`, 'content-type': 'application/json' },
          body: JSON.stringify({ sentAt: new Date().toISOString(), ...body }),
        });
        if (!response.ok) throw new Error(`POST /v1/receipts: ${response.status} ${await response.text()}`);
        return Answer.parse(await response.json()).results;
      } catch (error) {
        if (attempt === ATTEMPTS) throw error;
        await sleep(RETRY_MS);
      }
    }
  }
}

function kindOf(result: string | undefined, error: string | undefined): AnswerKind {
  if (error !== undefined) return 'error';
  if (result === 'late' || result === 'not_supported' || result === 'unknown') return result;
  return 'accepted';
}

function noAnswers(): Record<AnswerKind, number> {
  return { accepted: 0, unknown: 0, not_supported: 0, late: 0, error: 0 };
}
