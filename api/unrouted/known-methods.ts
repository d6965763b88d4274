import type { FastifyRequest } from 'fastify';
import type { App } from '../http/deps.ts';

/** The methods of each address, so that a wrong method is told from a wrong address. */
export type KnownMethods = (request: FastifyRequest) => string[];

/** Has to be called before the routes are registered. */
export function collectMethods(app: App): KnownMethods {
  const methods = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ url, method, schema }) => {
    if (schema?.hide === true || url.includes('*')) return;
    const known = methods.get(url) ?? new Set();
    for (const name of [method].flat()) known.add(name);
    methods.set(url, known);
  });
  let patterns: (readonly [RegExp, ReadonlySet<string>])[] | undefined;
  return ({ url }) => {
    patterns ??= [...methods].map(([path, known]) => [patternOf(path), known]);
    const path = url.split('?', 1)[0] ?? '';
    const found = patterns.flatMap(([pattern, known]) => (pattern.test(path) ? [...known] : []));
    return [...new Set(found)].sort();
  };
}

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/:[^/]+/g, '[^/]+')}$`);
}
