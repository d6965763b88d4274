export type Figures = Readonly<Record<string, unknown>>;

/** Prints progress to standard error. The last line of standard output is reserved for the figures. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

function show(value: unknown): string {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
}

export function table(figures: Figures): string {
  const width = Math.max(...Object.keys(figures).map((name) => name.length));
  return Object.entries(figures)
    .map(([name, value]) => `  ${name.padEnd(width)}  ${show(value)}`)
    .join('\n');
}

/** Rounds to the digits that are not noise. */
export function round(value: number, digits = 2): number {
  return Number(value.toFixed(digits));
}
