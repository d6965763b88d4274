import type { z } from 'zod';

/** The API over HTTP, as one person or device sees it. */
export interface Client {
  get<T extends z.ZodType>(path: string, schema: T): Promise<z.infer<T>>;
  post<T extends z.ZodType>(path: string, body: object | undefined, schema: T): Promise<z.infer<T>>;
  upload<T extends z.ZodType>(path: string, csv: Blob, schema: T): Promise<z.infer<T>>;
}

export function createClient(apiUrl: string, key: string, extra: Record<string, string> = {}): Client {
  async function send<T extends z.ZodType>(
    path: string,
    schema: T,
    method: 'GET' | 'POST',
    body?: Blob,
  ): Promise<z.infer<T>> {
    const response = await fetch(`${apiUrl}${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, ...extra },
      ...(body === undefined ? {} : { body }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
    return schema.parse(JSON.parse(text));
  }

  return {
    get: (path, schema) => send(path, schema, 'GET'),
    post: (path, body, schema) => send(path, schema, 'POST', body && jsonOf(body)),
    upload: (path, csv, schema) => send(path, schema, 'POST', csv),
  };
}

function jsonOf(body: object): Blob {
  return new Blob([JSON.stringify(body)], { type: 'application/json' });
}
