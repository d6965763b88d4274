import { DefaultPayloadConverter, type Payload, type PayloadConverter } from '@temporalio/common';

/** Stands for an undecodable payload; no command's schema accepts it. */
const UNDECODABLE = 'this payload could not be decoded; send one JSON object';

const JSON_TEXT = new TextEncoder().encode('json/plain');

/**
 * The CLI checks the text of a JSON payload before it decodes base64, so that a command in base64 can only be sent as
 * bytes. Bytes are therefore read as JSON. Nothing else of the product is sent as bytes.
 */
function asJson(payload: Payload): Payload {
  const encoding = new TextDecoder().decode(payload.metadata?.['encoding'] ?? undefined);
  return encoding === 'binary/plain' ? { ...payload, metadata: { encoding: JSON_TEXT } } : payload;
}

/**
 * The default converter, except that bytes are read as JSON and reading never throws. A signal whose payload cannot be decoded would
 * otherwise fail the workflow task before any handler runs, again and again.
 */
class TolerantPayloadConverter implements PayloadConverter {
  readonly #default = new DefaultPayloadConverter();

  toPayload<T>(value: T): Payload {
    return this.#default.toPayload(value);
  }

  fromPayload<T>(payload: Payload): T {
    try {
      return this.#default.fromPayload<T>(asJson(payload));
    } catch {
      return UNDECODABLE as T;
    }
  }
}

export const payloadConverter = new TolerantPayloadConverter();
