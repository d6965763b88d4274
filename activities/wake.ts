/** Lets one loop sleep until something happens, or until its time is up. */
export interface Wake {
  ring(): void;
  /** Resolves at the next ring, at once when one was missed, or after `ms`. */
  wait(ms: number): Promise<void>;
}

export function createWake(): Wake {
  let rung = false;
  let release: (() => void) | undefined;
  return {
    ring() {
      rung = true;
      release?.();
    },
    async wait(ms) {
      if (!rung && ms > 0) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms);
          release = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      rung = false;
      release = undefined;
    },
  };
}
