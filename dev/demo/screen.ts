const BAR_WIDTH = 30;
/** Without a terminal, which a line can be written over. */
const LINE_EVERY_MS = 4_000;
const CLEAR_LINE = '\r\u001b[2K';

/** What people read: lines, and one line of progress below them. */
export class Screen {
  readonly #stream: NodeJS.WriteStream;
  readonly #startedAt = performance.now();
  #isBarShown = false;
  #lastLineAt = 0;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  say(text = ''): void {
    this.#clearBar();
    this.#stream.write(`${text}\n`);
  }

  /** A line with the time since the start. */
  step(text: string): void {
    const seconds = ((performance.now() - this.#startedAt) / 1000).toFixed(1);
    this.say(`${seconds.padStart(6)} s  ${text}`);
  }

  progress(share: number, text: string): void {
    const filled = Math.round(Math.min(1, Math.max(0, share)) * BAR_WIDTH);
    const percent = `${Math.floor(share * 100)} %`.padStart(5);
    if (this.#stream.isTTY) {
      const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
      this.#stream.write(`${CLEAR_LINE}${bar} ${percent}  ${text}`.slice(0, this.#stream.columns));
      this.#isBarShown = true;
    } else if (performance.now() - this.#lastLineAt > LINE_EVERY_MS) {
      this.#lastLineAt = performance.now();
      this.step(`${percent}  ${text}`);
    }
  }

  #clearBar(): void {
    if (this.#isBarShown) this.#stream.write(CLEAR_LINE);
    this.#isBarShown = false;
  }
}

const NUMBER = new Intl.NumberFormat('en-US');

/** A figure that nobody knows is n/a. */
export function count(value: number | null): string {
  return value === null ? 'n/a' : NUMBER.format(value);
}

export function percent(rate: number | null): string {
  return rate === null ? '' : `${(rate * 100).toFixed(1)} %`;
}
