/** Devices that the engine and each peer have sent to before they are measured; the bare loop's trials are 60,000 requests. */
export const WARM_UP = 50_000;
