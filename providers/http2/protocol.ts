/** The names of RFC 9113 with their numbers on the wire. */
export const FRAME = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const FLAG = { endStream: 1, ack: 1, endHeaders: 4, padded: 8, priority: 32 } as const;

export const SETTING = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
} as const;

export const CODE = {
  noError: 0,
  protocolError: 1,
  flowControlError: 3,
  frameSizeError: 6,
  refusedStream: 7,
  cancel: 8,
  compressionError: 9,
  enhanceYourCalm: 11,
} as const;

export const FRAME_HEADER_BYTES = 9;
export const DEFAULT_WINDOW = 65_535;
export const DEFAULT_FRAME_SIZE = 16_384;
export const MAX_WINDOW = 2 ** 31 - 1;

/** The peer broke the protocol in a way that ends the connection. */
export class ConnectionError extends Error {
  override name = 'ConnectionError';
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export function violation(message: string): ConnectionError {
  return new ConnectionError(CODE.protocolError, message);
}

export function wrongSize(): ConnectionError {
  return new ConnectionError(CODE.frameSizeError, 'A frame has the wrong size for its type');
}

export function exactly(bytes: number, start: number, end: number): void {
  if (end - start !== bytes) throw wrongSize();
}
