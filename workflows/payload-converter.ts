import { DefaultPayloadConverter, type Payload, type PayloadConverter } from '@temporalio/common';

/** Stands for an undecodable payload; no command's schema accepts it. */
const UNDECODABLE = 'this payload could not be decoded; send one JSON object';

/**
 * The default converter, except that reading never throws. A signal whose payload cannot be decoded would
 * otherwise fail the workflow task before any handler runs, again and again.
 */
class TolerantPayloadConverter implements PayloadConverter {
  readonly #default = new DefaultPayloadConverter();

  toPayload<T>(value: T): Payload {
    return this.#default.toPayload(value);
  }

  fromPayload<T>(payload: Payload): T {
    try {
      return this.#default.fromPayload<T>(payload);
    } catch {
      return UNDECODABLE as T;
    }
  }
}

export const payloadConverter = new TolerantPayloadConverter();
