import { CODE, ConnectionError } from './protocol.ts';

/**
 * Bits of the code of each byte, and of the end of a string (RFC 7541, appendix B). The code is canonical:
 * shorter codes come first, and codes of one length are in the order of their bytes, so nothing else is
 * needed.
 */
export const CODE_LENGTHS: readonly number[] = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28,
  28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7,
  8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19,
  13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13,
  28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21,
  22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23,
  22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
  19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25,
  25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
];

const END_OF_STRING = 256;
const LONGEST = 30;
const MAX_PADDING_BITS = 7;

interface CodesOfLength {
  /** The smallest code of this length. */
  readonly first: number;
  readonly symbols: readonly number[];
}

const BY_LENGTH: readonly CodesOfLength[] = codesByLength();

function codesByLength(): CodesOfLength[] {
  const codes: CodesOfLength[] = [];
  let first = 0;
  for (let length = 0; length <= LONGEST; length++) {
    const symbols = [...CODE_LENGTHS.keys()].filter((symbol) => CODE_LENGTHS[symbol] === length);
    codes.push({ first, symbols });
    first = (first + symbols.length) * 2;
  }
  return codes;
}

/** Decodes bit by bit, which is fast enough because only a few headers are ever decoded. */
export function decodeHuffman(bytes: Uint8Array): string {
  let text = '';
  let code = 0;
  let length = 0;
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      code = code * 2 + ((byte >> bit) & 1);
      length++;
      const symbol = symbolOf(code, length);
      if (symbol === undefined) continue;
      if (symbol === END_OF_STRING) throw malformed();
      text += String.fromCharCode(symbol);
      code = 0;
      length = 0;
    }
  }
  // The padding is the beginning of the end-of-string code, which is all ones.
  if (length > MAX_PADDING_BITS || code !== 2 ** length - 1) throw malformed();
  return text;
}

function symbolOf(code: number, length: number): number | undefined {
  const codes = BY_LENGTH[length];
  return codes?.symbols[code - codes.first];
}

function malformed(): ConnectionError {
  return new ConnectionError(CODE.compressionError, 'A header is not valid Huffman code');
}
