import { DEFAULT_WINDOW, SETTING } from './protocol.ts';

/** Our settings for the peer: no dynamic table, no pushes, and windows that small answers never fill. */
export const OUR_SETTINGS = [
  [SETTING.headerTableSize, 0],
  [SETTING.enablePush, 0],
  [SETTING.initialWindowSize, 256 * 1024],
  [SETTING.maxHeaderListSize, 32 * 1024],
] as const;
export const OUR_WINDOW = 16 * 1024 * 1024;
export const OUR_EXTRA_WINDOW = OUR_WINDOW - DEFAULT_WINDOW;
