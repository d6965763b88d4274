interface Part {
  stop(): Promise<void>;
}

/** One Ctrl-C arrives twice under npm: from the terminal, and passed on by npm. */
const ECHO_MS = 1_000;
const INTERRUPTED = 130;

/** Everything that has to be stopped before this process ends, in the order of its start. */
export class Lifetime {
  readonly #parts: Part[] = [];
  #ending: Promise<never> | undefined;
  #askedAt = 0;

  get isEnding(): boolean {
    return this.#ending !== undefined;
  }

  own<T extends Part>(part: T): T {
    this.#parts.push(part);
    return part;
  }

  /** Stops what was started and ends the process. */
  end(exitCode: number): Promise<never> {
    if (this.#ending === undefined) {
      this.#askedAt = performance.now();
      this.#ending = this.#stopAll(exitCode);
    }
    return this.#ending;
  }

  endOnSignals(onFirst: () => void): void {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        if (!this.isEnding) onFirst();
        // Asked twice, it ends at once: what still runs then ends by itself, because this process has ended.
        else if (performance.now() - this.#askedAt > ECHO_MS) process.exit(INTERRUPTED);
        void this.end(INTERRUPTED);
      });
    }
  }

  async #stopAll(exitCode: number): Promise<never> {
    for (const part of this.#parts.toReversed()) await part.stop().catch(() => undefined);
    process.exit(exitCode);
  }
}
