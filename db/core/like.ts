/** An ILIKE pattern for "contains", in which wildcards of the text are escaped. */
export function containsPattern(text: string): string {
  return `%${text.replaceAll(/[\\%_]/g, '\\$&')}%`;
}
