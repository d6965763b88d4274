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
}

export interface DeliveryRef {
  readonly pushNo: number;
  /** The delivery's number within its push. */
  readonly n: number;
}

const HEAD_BYTES = 11;
const MAC_BYTES = 16;

/** Key version, push (6 bytes), delivery number (4 bytes), MAC (16 bytes); base64url, 36 characters. */
export function encodeMessageId(mac: Mac, { pushNo, n }: DeliveryRef): string {
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + MAC_BYTES);
  bytes[0] = versionOf(mac);
  bytes.writeUIntBE(pushNo, 1, 6);
  bytes.writeUInt32BE(n, 7);
  bytes.set(mac(bytes.subarray(0, HEAD_BYTES)).subarray(0, MAC_BYTES), HEAD_BYTES);
  return bytes.toString('base64url');
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
  return { pushNo: bytes.readUIntBE(1, 6), n: bytes.readUInt32BE(7) };
}

function versionOf(mac: Mac): number {
  return mac.version ?? 1;
}

function signerOf(mac: Mac, version: number | undefined): Mac | undefined {
  if (version === versionOf(mac)) return mac;
  const { previous } = mac;
  return previous !== undefined && version === versionOf(previous) ? previous : undefined;
}
