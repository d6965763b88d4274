import type { App } from './deps.ts';
import { Problem } from './problem.ts';

export const JSON_TYPE = 'application/json';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** JSON is the only type of body, unless a route takes files. An empty body is no body. */
export function readJsonBodies(app: App): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(JSON_TYPE, { parseAs: 'buffer' }, (request, bytes, done) => {
    const coding = request.headers['content-encoding'];
    if (coding !== undefined && coding !== 'identity') return done(encoded(coding));
    const text = textOf(bytes as Buffer);
    if (text === undefined) return done(notUtf8());
    if (text === '') return done(null, undefined);
    parse(request, text, (error, value) => done(error && notJson(text), value));
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
