import { INEXACT_NUMBER, inexactPaths, mayBeInexact, parseExactJson } from '../../domain/exact-json.ts';
import type { App } from './deps.ts';
import { Problem } from './problem.ts';
import { jsonPointer } from './validation.ts';

export const JSON_TYPE = 'application/json';

const MAX_FAULTS = 100;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * JSON is the only type of body, unless a route takes files. An empty body is no body.
 * Numbers that JavaScript would change are refused. With `inItems` such a number becomes an `InexactNumber`, so that
 * the check of its item refuses the item and not the whole report.
 */
export function readJsonBodies(app: App, inItems?: 'inItems'): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(JSON_TYPE, { parseAs: 'buffer' }, (request, bytes, done) => {
    const coding = request.headers['content-encoding'];
    if (coding !== undefined && coding !== 'identity') return done(encoded(coding));
    const text = textOf(bytes as Buffer);
    if (text === undefined) return done(notUtf8());
    if (text === '') return done(null, undefined);
    void parse(request, text, (error, value) => {
      if (error !== null) return done(notJson(text));
      if (!mayBeInexact(text)) return done(null, value);
      const exact = parseExactJson(text);
      if (inItems !== undefined) return done(null, exact);
      done(inexact(exact), value);
    });
  });
}

function textOf(bytes: Buffer): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

function notUtf8(): Problem {
  return new Problem('invalid_json', 'The body is not UTF-8; send JSON in UTF-8');
}

function encoded(coding: string): Problem {
  const errors = [{ header: 'content-encoding', detail: `"${coding}" is not taken; send the body as it is` }];
  return new Problem('unsupported_media_type', 'The body must not be compressed', { errors });
}

function inexact(body: unknown): Problem | null {
  const errors = inexactPaths(body)
    .slice(0, MAX_FAULTS)
    .map((path) => ({ pointer: jsonPointer(path), detail: INEXACT_NUMBER }));
  return errors.length === 0 ? null : new Problem('invalid_request', 'The request is not valid', { errors });
}

/** The words of the parser name the place of the fault. */
function notJson(text: string): Problem {
  try {
    JSON.parse(text);
  } catch (error) {
    return new Problem('invalid_json', `The body is not valid JSON: ${(error as Error).message}`);
  }
  const detail = 'The body must not have the fields __proto__ or constructor.prototype';
  return new Problem('invalid_json', detail);
}
