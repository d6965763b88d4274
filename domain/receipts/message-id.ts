/**
 * Computes a MAC of at least 16 bytes. The key stays with the function's creator. Message IDs name the
 * version of their key, so that an ID signed with the previous key still counts after a change of keys.
 */
export interface Mac {
  (data: Uint8Array): Uint8Array;
  /** The version of the key. 1 when left out. */
  readonly version?: number;
  /** The MAC of the previous key, while receipts with its message IDs may arrive. */
  readonly previous?: Mac;
  /** The concatenated MACs of concatenated messages, each `bytes` long. Faster than single calls. */
  many?(messages: Uint8Array, bytes: number): Uint8Array;
}

export interface DeliveryRef {
  readonly pushNo: number;
  /** The delivery's number within its push. */
  readonly deliveryNo: number;
}

const HEAD_BYTES = 11;
const MAC_BYTES = 16;

/** Key version, push (6 bytes), delivery number (4 bytes), MAC (16 bytes); base64url, 36 characters. */
export function encodeMessageId(mac: Mac, { pushNo, deliveryNo }: DeliveryRef): string {
  return encodeMessageIds(mac, pushNo, [deliveryNo]).join();
}

/** The message IDs of many deliveries of a push, in the order of `numbers`. */
export function encodeMessageIds(mac: Mac, pushNo: number, numbers: readonly number[]): string[] {
  const heads = Buffer.allocUnsafe(numbers.length * HEAD_BYTES);
  for (const [i, deliveryNo] of numbers.entries()) {
    const at = i * HEAD_BYTES;
    heads[at] = versionOf(mac);
    heads.writeUIntBE(pushNo, at + 1, 6);
    heads.writeUInt32BE(deliveryNo, at + 7);
  }
  const headOf = (i: number) => heads.subarray(i * HEAD_BYTES, (i + 1) * HEAD_BYTES);
  const macs = mac.many?.(heads, HEAD_BYTES);
  return numbers.map((_, i) => {
    const head = headOf(i);
    const tag = macs?.subarray(i * MAC_BYTES, (i + 1) * MAC_BYTES) ?? mac(head).subarray(0, MAC_BYTES);
    return Buffer.concat([head, tag]).toString('base64url');
  });
}

const MESSAGE_ID = /^[\w-]{36}$/;

/** The delivery of a message ID. Undefined when the ID is malformed, forged, or of an unknown key. */
export function decodeMessageId(mac: Mac, messageId: string): DeliveryRef | undefined {
  if (!MESSAGE_ID.test(messageId)) return undefined;
  const bytes = Buffer.from(messageId, 'base64url');
  const signer = signerOf(mac, bytes[0]);
  if (signer === undefined) return undefined;
  const expected = signer(bytes.subarray(0, HEAD_BYTES));
  let difference = 0;
  for (let i = 0; i < MAC_BYTES; i++) difference |= (bytes[HEAD_BYTES + i] ?? 0) ^ (expected[i] ?? 0);
  if (difference !== 0) return undefined;
  return { pushNo: bytes.readUIntBE(1, 6), deliveryNo: bytes.readUInt32BE(7) };
}

function versionOf(mac: Mac): number {
  return mac.version ?? 1;
}

function signerOf(mac: Mac, version: number | undefined): Mac | undefined {
  if (version === versionOf(mac)) return mac;
  const { previous } = mac;
  return previous !== undefined && version === versionOf(previous) ? previous : undefined;
}
