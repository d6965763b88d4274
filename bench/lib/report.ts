export type Figures = Readonly<Record<string, unknown>>;

/** What a benchmark is doing; the last line of standard output stays free for the figures. */
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

/** Enough digits to compare, none that are noise. */
export function round(value: number, digits = 2): number {
  return Number(value.toFixed(digits));
}
