const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
/** Printable, with no space at either end (RFC 9113, 8.2.1). */
const VALUE = /^(?:[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?)?$/;
const PATH = /^\/[\x21-\x7e]{0,4000}$/;
/** Headers of an HTTP/1 connection, and those that the connection adds itself. */
const FORBIDDEN = new Set([
  'connection',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
]);

/**
 * Headers that many requests share. A connection sends only a few bytes of a head that it has sent before.
 */
export interface RequestHead {
  /** Names and values in turn. */
  readonly headers: readonly string[];
}

/** Throws a `TypeError` for a header that may not be sent. Names and values come in turn. */
export function requestHead(headers: readonly string[]): RequestHead {
  if (headers.length % 2 !== 0) throw new TypeError('A header has no value');
  for (let at = 0; at < headers.length; at += 2) {
    const [name = '', value = ''] = headers.slice(at, at + 2);
    if (!NAME.test(name) || FORBIDDEN.has(name))
      throw new TypeError(`The header ${name} is not allowed in a request`);
    if (!VALUE.test(value)) throw new TypeError(`The value of the header ${name} must be printable ASCII`);
  }
  return { headers: [...headers] };
}

export function checkPath(path: string): void {
  if (!PATH.test(path))
    throw new TypeError(
      'The path of a request must begin with / and hold at most 4,001 printable ASCII characters',
    );
}
