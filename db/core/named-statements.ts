import { createHash } from 'node:crypto';
import { type RawBuilder, sql } from 'kysely';
import { Client, type QueryConfig } from 'pg';

const MARK = '/* named */';

/** Marks the start of a statement that each connection parses once, and then executes by its name. */
export const NAMED: RawBuilder<unknown> = sql.raw(MARK);

const names = new Map<string, string>();

function nameOf(text: string): string {
  const known = names.get(text);
  if (known !== undefined) return known;
  const name = createHash('sha256').update(text).digest('base64url').slice(0, 32);
  names.set(text, name);
  return name;
}

type Query = (config: string | QueryConfig, values?: unknown[]) => unknown;

/** Names marked statements, because the driver prepares only named ones and kysely passes text. */
export class NamingClient extends Client {
  constructor(...args: ConstructorParameters<typeof Client>) {
    super(...args);
    const query = this.query.bind(this) as Query;
    const named: Query = (config, ...rest) => {
      if (typeof config !== 'string' || !config.startsWith(MARK)) return query(config, ...rest);
      const [values] = rest;
      return query({ name: nameOf(config), text: config, ...(values === undefined ? {} : { values }) });
    };
    this.query = named as Client['query'];
  }
}
