/**
 * Authenticates bytes; the key stays with whoever made the function. At least 16 bytes long. Message IDs name the
 * version of their key, so that one signed by the key before still counts after a change of keys.
 */
export interface Mac {
  (data: Uint8Array): Uint8Array;
  /** 1 unless it says otherwise. */
  readonly version?: number;
  /** The MAC of the version before, while its message IDs may come. */
  readonly previous?: Mac;
  /** The MACs of many messages of so many bytes each, one behind the other: faster than one by one. */
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

/** Those of many deliveries of a push, in their order. */
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

/** Undefined when it is not one of ours: malformed, forged, or of a key that is not held. */
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
