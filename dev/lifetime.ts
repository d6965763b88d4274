interface Part {
  stop(): Promise<void>;
}

/** One Ctrl-C arrives twice under npm: from the terminal, and passed on by npm. */
const ECHO_MS = 1_000;

/** The parts that have to be stopped before this process ends, in the order of their start. */
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

  /** Stops the parts, the last one first, and ends the process. */
  end(exitCode: number): Promise<never> {
    if (this.#ending === undefined) {
      this.#askedAt = performance.now();
      this.#ending = this.#stopAll(exitCode);
    }
    return this.#ending;
  }

  endOnSignals(exitCode: number, onFirst: () => void): void {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        if (!this.isEnding) onFirst();
        // A second request ends this process at once. The watchdog then ends its children.
        else if (performance.now() - this.#askedAt > ECHO_MS) process.exit(exitCode);
        void this.end(exitCode);
      });
    }
  }

  async #stopAll(exitCode: number): Promise<never> {
    for (const part of this.#parts.toReversed()) await part.stop().catch(() => undefined);
    process.exit(exitCode);
  }
}
