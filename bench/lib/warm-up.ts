/**
 * Devices that the engine and each peer send to before the measurement. The bare loop's trials are 60,000
 * requests.
 */
export const WARM_UP = 50_000;
