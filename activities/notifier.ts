/** Lets one loop sleep until something happens, or until its time is up. */
export interface Notifier {
  notify(): void;
  /** Resolves at the next notification, at once when one came since the last wait, or after `ms`. */
  wait(ms: number): Promise<void>;
}

export function createNotifier(): Notifier {
  let isNotified = false;
  let release: (() => void) | undefined;
  return {
    notify() {
      isNotified = true;
      release?.();
    },
    async wait(ms) {
      if (!isNotified && ms > 0) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms);
          release = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      isNotified = false;
      release = undefined;
    },
  };
}
