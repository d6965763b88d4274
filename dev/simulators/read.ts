/** The members of an object; undefined for another value. */
export function object(value: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return value as Record<string, unknown>;
}

/** The value of a JSON text; undefined for invalid JSON. */
export function json(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** A header as one text. */
export function text(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(', ') : header;
}

/** The header or the claims of a JWT, unverified. */
export function jwtPart(part: string): unknown {
  return json(Buffer.from(part, 'base64url').toString('utf8'));
}
