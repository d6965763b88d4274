const CLEAR_LINE = '\r\u001b[2K';

/** The lines that people read, with one line of progress below them on a terminal. */
export class Output {
  readonly #stream: NodeJS.WriteStream;
  readonly #isVerbose: boolean;
  readonly #startedAt = performance.now();

  constructor(stream: NodeJS.WriteStream, isVerbose: boolean) {
    this.#stream = stream;
    this.#isVerbose = isVerbose;
  }

  say(text = ''): void {
    this.#stream.write(`${this.#stream.isTTY ? CLEAR_LINE : ''}${text}\n`);
  }

  /** A line with the time since the start. */
  step(text: string): void {
    const seconds = ((performance.now() - this.#startedAt) / 1000).toFixed(1);
    this.say(`${seconds.padStart(5)} s  ${text}`);
  }

  /** A line that only `--verbose` shows. */
  detail(text: string): void {
    if (this.#isVerbose) this.say(`         ${text}`);
  }

  progress(text: string): void {
    if (this.#stream.isTTY) this.#stream.write(`${CLEAR_LINE}${text}`.slice(0, this.#stream.columns));
  }
}

const NUMBER = new Intl.NumberFormat('en-US');

/** An unknown figure is n/a. */
export function count(value: number | null | undefined): string {
  return value == null ? 'n/a' : NUMBER.format(value);
}

export function reasonsText(reasons: Readonly<Record<string, number>>): string {
  const largestFirst = Object.entries(reasons).toSorted(([, a], [, b]) => b - a);
  return largestFirst.map(([reason, value]) => `${reason} ${count(value)}`).join(', ');
}
