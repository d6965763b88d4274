import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { z } from 'zod';

const Secrets = z.object({ CREDENTIALS_KEY: z.string(), SIGNING_KEY: z.string(), ADMIN_KEY: z.string() });

export type Secrets = z.infer<typeof Secrets>;

export function createSecrets(): Secrets {
  return {
    CREDENTIALS_KEY: randomBytes(32).toString('base64'),
    SIGNING_KEY: randomBytes(32).toString('base64'),
    ADMIN_KEY: randomBytes(32).toString('base64url'),
  };
}

/** The secrets of the file, which only its owner can read; created on the first call. */
export function keptSecrets(file: string): Secrets {
  if (existsSync(file)) return Secrets.parse(JSON.parse(readFileSync(file, 'utf8')));
  const secrets = createSecrets();
  writeFileSync(file, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  return secrets;
}
