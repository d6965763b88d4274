/** An ILIKE pattern for "contains", in which the text's own wildcards stand for themselves. */
export function containsPattern(text: string): string {
  return `%${text.replaceAll(/[\\%_]/g, '\\$&')}%`;
}
