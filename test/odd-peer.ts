import type { AddressInfo } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import { createIdentity } from '../dev/simulators/certificate.ts';
import { listen } from '../dev/simulators/listen.ts';
import type { Endpoint } from '../providers/push-service.ts';
import { atEnd } from './h2-rig.ts';

const PREFACE_BYTES = 24;
const FRAME_HEADER_BYTES = 9;
const identity = await createIdentity();

/** Frame types of RFC 9113, section 6. */
export const FRAME = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;
export const FLAG = { endStream: 1, ack: 1, endHeaders: 4, padded: 8, priority: 32 } as const;
export const SETTING = { initialWindowSize: 4 } as const;
/** Error codes of RFC 9113, section 7. */
export const CODE = {
  noError: 0,
  protocolError: 1,
  flowControlError: 3,
  frameSizeError: 6,
  compressionError: 9,
  enhanceYourCalm: 11,
} as const;

export interface SeenFrame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

/** One connection of a peer that sends byte for byte what a test gives it. */
export interface OddConnection {
  readonly socket: TLSSocket;
  /** All frames that the client has sent. */
  readonly frames: readonly SeenFrame[];
}

export interface OddPeer extends Endpoint {
  readonly connections: readonly OddConnection[];
}

/** Encodes one frame as it is on the wire. */
export function frame(type: number, flags: number, streamId: number, payload: Buffer | string = ''): Buffer {
  const bytes = typeof payload === 'string' ? Buffer.from(payload, 'hex') : payload;
  const header = Buffer.alloc(9);
  header.writeUIntBE(bytes.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(streamId, 5);
  return Buffer.concat([header, bytes]);
}

export function settings(values: Readonly<Record<number, number>> = {}): Buffer {
  const payload = Object.entries(values).map(([setting, value]) => {
    const bytes = Buffer.alloc(6);
    bytes.writeUInt16BE(Number(setting));
    bytes.writeUInt32BE(value, 2);
    return bytes;
  });
  return frame(FRAME.settings, 0, 0, Buffer.concat(payload));
}

export function uint32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [at, value] of values.entries()) bytes.writeUInt32BE(value, 4 * at);
  return bytes;
}

/** A 200 that ends its stream. */
export function ok(streamId: number): Buffer {
  return frame(FRAME.headers, FLAG.endHeaders | FLAG.endStream, streamId, '88');
}

/** Independent of the product's reader, which is under test here. */
function frameReader(onFrame: (seen: SeenFrame) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= FRAME_HEADER_BYTES) {
      const end = FRAME_HEADER_BYTES + rest.readUIntBE(0, 3);
      if (rest.length < end) return;
      const payload = rest.subarray(FRAME_HEADER_BYTES, end);
      const streamId = rest.readUInt32BE(5) & 0x7fff_ffff;
      const [type = 0, flags = 0] = rest.subarray(3, 5);
      rest = rest.subarray(end);
      onFrame({ type, flags, streamId, payload });
    }
  };
}

/** A peer that sends `greeting` first and passes every frame of the client to the test. */
export async function openOddPeer(
  greeting: Buffer,
  onFrame: (seen: SeenFrame, connection: OddConnection) => void,
  ALPNProtocols = ['h2'],
): Promise<OddPeer> {
  const connections: OddConnection[] = [];
  const server = createServer({ key: identity.key, cert: identity.cert, ALPNProtocols }, (socket) => {
    const frames: SeenFrame[] = [];
    const connection = { socket, frames };
    connections.push(connection);
    socket.setNoDelay(true);
    socket.on('error', () => {});
    const push = frameReader((seen) => {
      frames.push(seen);
      onFrame(seen, connection);
    });
    let skip = PREFACE_BYTES;
    socket.on('data', (chunk: Buffer) => {
      const rest = chunk.subarray(skip);
      skip -= chunk.length - rest.length;
      push(rest);
    });
    if (greeting.length > 0) socket.write(greeting);
  });
  const close = await listen(server, 0);
  atEnd(close);
  const { port } = server.address() as AddressInfo;
  return { url: new URL(`https://127.0.0.1:${port}`), ca: identity.ca, connections };
}

/** A peer that calls the function once the client has sent a whole request. */
export function openAnsweringPeer(
  onRequest: (streamId: number, connection: OddConnection) => void,
  greeting: Buffer = settings(),
): Promise<OddPeer> {
  return openOddPeer(greeting, (seen, connection) => {
    if (seen.type === FRAME.data && seen.flags & FLAG.endStream) onRequest(seen.streamId, connection);
  });
}

/** The codes of the client's GOAWAYs. */
export function goaways(connection: OddConnection | undefined): number[] {
  const frames = connection?.frames ?? [];
  return frames.filter(({ type }) => type === FRAME.goaway).map(({ payload }) => payload.readUInt32BE(4));
}
