import { INEXACT_NUMBER, inexactPaths, mayBeInexact, parseExactJson } from '../../domain/exact-json.ts';
import type { App } from './deps.ts';
import { Problem } from './problem.ts';
import { jsonPointer } from './validation.ts';

const MAX_FAULTS = 100;

/**
 * Reads bodies of JSON, and refuses numbers that JavaScript would change. With `inItems` such a number becomes an
 * `InexactNumber`, so that the check of its item refuses the item and not the whole report.
 */
export function readJsonExactly(app: App, inItems?: 'inItems'): void {
  const plain = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, text, done) => {
    void plain(request, text, (error, body) => {
      if (error !== null || !mayBeInexact(text)) return done(error, body);
      const exact = parseExactJson(text);
      if (inItems !== undefined) return done(null, exact);
      const errors = inexactPaths(exact)
        .slice(0, MAX_FAULTS)
        .map((path) => ({ pointer: jsonPointer(path), detail: INEXACT_NUMBER }));
      if (errors.length === 0) return done(null, body);
      done(new Problem('invalid_request', 'The request is not valid', { errors }));
    });
  });
}
