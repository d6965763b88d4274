/**
 * Formats arrays as Postgres array literals. The driver would inspect, quote and escape each of thousands of
 * numbers.
 */
export function numbersText(values: readonly (number | null)[]): string {
  return `{${values.map((value) => value ?? 'null').join(',')}}`;
}

export function flagsText(values: readonly boolean[]): string {
  return `{${values.map((value) => (value ? 't' : 'f')).join(',')}}`;
}

export function textsText(values: readonly string[]): string {
  return `{${values.map(quoted).join(',')}}`;
}

const SPECIAL = /["\\]/g;

function quoted(text: string): string {
  return `"${text.replace(SPECIAL, '\\$&')}"`;
}
