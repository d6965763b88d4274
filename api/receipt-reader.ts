import { correctedTime, type Times } from '../domain/receipt-reader.ts';

export type { Times };

/** The device's clock may be wrong, but not its sense of how long ago; nothing happens in the future. */
export function serverTime(at: Date, times: Times): Date {
  return new Date(correctedTime(at.getTime(), times));
}
