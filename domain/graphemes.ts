const SEGMENTER = new Intl.Segmenter('en', { granularity: 'grapheme' });

/**
 * The longest beginning of the text that fits. A character as a person sees it is kept whole or left out: an emoji
 * of several code points, a letter with its accents. `sizeOf` measures: UTF-16 units unless given.
 */
export function cutText(text: string, max: number, sizeOf = (part: string) => part.length): string {
  if (sizeOf(text) <= max) return text;
  let end = 0;
  let size = 0;
  for (const { segment, index } of SEGMENTER.segment(text)) {
    size += sizeOf(segment);
    if (size > max) break;
    end = index + segment.length;
  }
  return text.slice(0, end);
}

/** Measures in bytes of UTF-8. */
export function utf8Bytes(text: string): number {
  return Buffer.byteLength(text);
}

/** Measures in characters as people count them. */
export function graphemes(text: string): number {
  return graphemesOf(text).length;
}

/** The characters as people see them: an emoji of seven code points is one, and so is a letter with its accents. */
export function graphemesOf(text: string): string[] {
  return Array.from(SEGMENTER.segment(text), ({ segment }) => segment);
}
