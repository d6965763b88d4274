/**
 * Characters that people cannot see: controls, format and bidirectional characters, joiners, variation selectors,
 * fillers of Hangul, the blank of Braille. Two IDs that differ in them look alike.
 */
export const UNSEEN = String.raw`\p{Cc}\p{Cf}\p{Cs}\p{Default_Ignorable_Code_Point}\u2800`;

/** Zero-width joiners and variation selectors, of which emoji and some scripts are made, and tags of flags. */
const JOINS = String.raw`\u200c\u200d\ufe00-\ufe0f\u{e0020}-\u{e007f}`;

/** A character of a name. Joiners count only within the name. */
const IN_NAME = `(?:[${JOINS}]|[^${UNSEEN}])`;
const SEEN = String.raw`[^\s${UNSEEN}]`;

/** The pattern of a name that is compared character by character: of an event, a property, an attribute. */
export function namePattern(max: number): RegExp {
  return new RegExp(`^${SEEN}(?:${IN_NAME}{0,${max - 2}}(?:${SEEN}|[\\ufe00-\\ufe0f\\u{e007f}]))?$`, 'u');
}

const EMPTY = /[\u00ad\u200b\u2060-\u2064\ufeff]/g;
const MARKS_AT_THE_ENDS = /^[\s\u061c\u200c-\u200f]+|[\s\u061c\u200c\u200e\u200f]+$/g;

/** The text without characters of no width and no effect, and without space and marks at its ends. */
export function tidied(text: string): string {
  return text.replace(EMPTY, '').replace(MARKS_AT_THE_ENDS, '');
}

const LETTER = new RegExp(SEEN, 'u');
/** Controls, line separators, and the characters that turn the direction of the text around them. */
const CONTROL = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u;

/** Why the text is no name that people read, or undefined. */
export function labelFault(text: string): string | undefined {
  if (CONTROL.test(text))
    return 'must not contain control characters, nor any that turn the direction of text';
  return LETTER.test(text) ? undefined : 'must have a character that people can see';
}
