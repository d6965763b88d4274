const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** The characters as people see them: an emoji of seven code points is one, and so is a letter with its accents. */
export function graphemesOf(text: string): string[] {
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}

/** The first characters of a text. No character is cut into pieces. */
export function firstGraphemes(text: string, count: number): string {
  // A text never has more characters than code units.
  return text.length <= count ? text : graphemesOf(text).slice(0, count).join('');
}

/** The longest beginning of a text that takes no more bytes. No character is cut into pieces. */
export function firstBytes(text: string, bytes: number): string {
  let [left, made] = [bytes, ''];
  for (const grapheme of graphemesOf(text)) {
    left -= Buffer.byteLength(grapheme);
    if (left < 0) break;
    made += grapheme;
  }
  return made;
}
