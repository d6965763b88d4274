import { openAsBlob } from 'node:fs';
import type { z } from 'zod';

type Method = 'GET' | 'POST' | 'PUT';

/** The API over real HTTP, as one person or device sees it. */
export interface Client {
  get<T extends z.ZodType>(path: string, schema: T): Promise<z.infer<T>>;
  post<T extends z.ZodType>(path: string, body: unknown, schema: T): Promise<z.infer<T>>;
  /** Sends a CSV file as a stream. */
  upload<T extends z.ZodType>(path: string, file: string, schema: T): Promise<z.infer<T>>;
  /** The status alone, whatever it is. */
  status(method: Method, path: string, body?: unknown): Promise<number>;
}

export function createClient(apiUrl: string, key: string, headers: Record<string, string> = {}): Client {
  async function send(method: Method, path: string, body: unknown): Promise<Response> {
    const type = body === undefined ? {} : { 'content-type': 'application/json' };
    return await fetch(`${apiUrl}${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, ...type, ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  async function read<T extends z.ZodType>(response: Response, schema: T): Promise<z.infer<T>> {
    const text = await response.text();
    if (!response.ok) throw new Error(`${new URL(response.url).pathname}: ${response.status} ${text}`);
    return schema.parse(JSON.parse(text));
  }

  return {
    get: async (path, schema) => read(await send('GET', path, undefined), schema),
    post: async (path, body, schema) => read(await send('POST', path, body), schema),
    upload: async (path, file, schema) => {
      const response = await fetch(`${apiUrl}${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'text/csv' },
        body: await openAsBlob(file),
      });
      return read(response, schema);
    },
    status: async (method, path, body) => {
      const response = await send(method, path, body);
      await response.arrayBuffer();
      return response.status;
    },
  };
}
